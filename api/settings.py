"""Deployment settings: folders, limits, ports. Only this module reads the environment.

No setting changes a fingerprint; the parameters of fingerprints are in ``earwitness.fingerprint.params``.
"""

from __future__ import annotations

import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import platformdirs
from pydantic import Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from earwitness.api.machine import allowance
from earwitness.index.store.home_address import HomeAddress

if TYPE_CHECKING:
    from earwitness.api.datasets.items import SourceLimits
    from earwitness.fingerprint.decode import Limits


PREFIX: Final = "EARWITNESS_"


def variable_of(field: str) -> str:
    """Return the name of the environment variable that sets a field."""
    return f"{PREFIX}{field.upper()}"


def default_home() -> Path:
    """Return the platform's folder for this user's data."""
    return platformdirs.user_data_path("earwitness", appauthor=False)


FILE_VARIABLE: Final = f"{PREFIX}SETTINGS"
"""Variable that names the settings file."""


def settings_file() -> Path | None:
    """Return the settings file that the environment names; None without one."""
    named = os.environ.get(FILE_VARIABLE)
    return Path(named).expanduser() if named else None


def where_set(field: str) -> str:
    """Return where the value of a field is from, for messages: its variable, or the settings file."""
    file = settings_file()
    if file is None or variable_of(field) in os.environ or field not in _in_file(file):
        return variable_of(field)
    return f"{field} in {file}"


def _in_file(file: Path) -> dict[str, Any]:
    """Return the values of a settings file.

    Raises
    ------
    SettingsError
        When it cannot be read, is no TOML, or has a name that is no setting.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{file} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise SettingsError(f"{file} is no TOML ({error})") from error
    for name in values:
        if name not in Settings.model_fields:
            near = get_close_matches(name, Settings.model_fields, n=1)
            meant = f"; {near[0]} may be meant" if near else ""
            raise SettingsError(f"{file} has {name!r}, which is no setting{meant}")
    return values


class _FromFile(PydanticBaseSettingsSource):
    """The settings file as a source of values, of lower precedence than the variables."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return no value: all are read at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the values of the file, if there is one."""
        file = settings_file()
        return {} if file is None else _in_file(file)


class Settings(BaseSettings):
    """The settings of a deployment, from ``EARWITNESS_*`` variables or, with precedence, keyword arguments.

    The TOML file that ``EARWITNESS_SETTINGS`` names gives what neither has; its keys are the fields.

    Attributes
    ----------
    home : Path
        Folder of the catalog, the shards, the spool and the lock.
    database_url : SecretStr or None
        SQLAlchemy URL of a PostgreSQL database (``postgresql+psycopg://...``; extra ``postgres``) for the
        catalog, in place of the home's own SQLite file. Shards, spool and lock stay in the home.
    sandbox : str
        ``auto`` uses bubblewrap where it works, else only resource limits; ``bwrap`` requires it.
    require_sandbox : bool
        The server starts only where bubblewrap and the system call filter both work.
    max_item_bytes, max_seconds, decode_wall_s, decode_memory_bytes
        Limits of one item: bytes as stored, seconds of audio, seconds of decoding, the decoder's memory.
    reader_memory_bytes, reader_wall_s
        Limits of the process that reads an archive, table or manifest: memory that it may allocate, and
        seconds without progress.
    workers : int
        Processes of a scan; 0: one for each core. Limited by cores and free memory (see `machine`).
    search_wall_s : float
        Seconds that the comparison of one item may take; the part that was not compared is reported.
    item_wall_s, job_wall_s : float
        Seconds that all work on one item may take (then it is reported as not compared), and seconds of one
        job of the server (then it fails).
    uploads_per_client : int
        Uploads that one client (by its API key, else its address) may send to the server at once.
    keep_uploads_days : float
        Days that the server keeps the upload of a job that failed for a reason outside its upload (it was
        stopped several times without progress, or took too long), so that it can be retried; 0 keeps none.
    max_members, max_unpacked_bytes, max_ratio, max_manifest_bytes
        Limits of one source: members of an archive, its bytes unpacked, unpacked over stored bytes, and the
        bytes of a manifest that is read at once.
    keep_findings_days : float
        Days that the server keeps the findings of index and scan jobs that have ended; 0 keeps them forever.
    tenant : str
        Owner of the collections that commands use, and the server without keys; a home can hold those of
        several tenants. A server with keys serves each key's tenant, and this one has ``/metrics``.
    host, port : str, int
        Address and port on which the server listens.
    log_level : str
        Least important events that the server logs: ``debug``, ``info``, ``warning`` or ``error``. A line for
        each request is of ``info``, those of probes and of the page's files of ``debug``.
    log_format : str
        Form of a line of the server's log: ``text`` or ``json``.
    max_upload_bytes : int
        Limit of one upload to the server, in bytes.
    webhook_private : bool
        Whether notices may be sent to addresses of this machine and of private networks, and without TLS.
    api_keys, hosts : tuple of str
        Records of `api_keys`, and host names that the server accepts besides those of loopback; separated by
        commas in the environment. No keys are needed on loopback.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    home: Path = Field(default_factory=default_home)
    tenant: str = "local"
    database_url: SecretStr | None = None
    sandbox: Literal["auto", "bwrap", "rlimits"] = "auto"
    require_sandbox: bool = False
    max_item_bytes: int = Field(default=2 << 30, gt=0)
    max_members: int = Field(default=5_000_000, gt=0)
    max_unpacked_bytes: int = Field(default=16 << 40, gt=0)
    max_ratio: int = Field(default=200, gt=0)
    max_manifest_bytes: int = Field(default=64 << 20, gt=0)
    max_seconds: float = Field(default=4 * 3600.0, gt=0, allow_inf_nan=False)
    decode_wall_s: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    decode_memory_bytes: int = Field(default=1 << 30, gt=0)
    search_wall_s: float = Field(default=900.0, gt=0, allow_inf_nan=False)
    item_wall_s: float = Field(default=1800.0, gt=0, allow_inf_nan=False)
    job_wall_s: float = Field(default=86_400.0, gt=0, allow_inf_nan=False)
    reader_memory_bytes: int = Field(default=800 << 20, ge=256 << 20)
    reader_wall_s: float = Field(default=120.0, gt=0, allow_inf_nan=False)
    workers: int = Field(default=0, ge=0)
    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65_535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    max_upload_bytes: int = Field(default=512 << 20, gt=0)
    uploads_per_client: int = Field(default=16, gt=0)
    keep_uploads_days: float = Field(default=7.0, ge=0, allow_inf_nan=False)
    keep_findings_days: float = Field(default=30.0, ge=0, allow_inf_nan=False)
    webhook_private: bool = False
    api_keys: Annotated[tuple[str, ...], NoDecode] = ()
    hosts: Annotated[tuple[str, ...], NoDecode] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where values are from, in the order of precedence."""
        return init_settings, env_settings, _FromFile(settings_cls)

    @field_validator("api_keys", "hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = tuple(part.strip() for part in value.split(",") if part.strip())
        return parts or ((value,) if value.strip() else ())  # "," must not switch the keys off

    @field_validator("home")
    @classmethod
    def _at_home(cls, home: Path) -> Path:
        """Expand ``~`` to the user's folder, which a shell has not always done."""
        try:
            return home.expanduser()
        except RuntimeError as error:
            raise ValueError(str(error)) from error

    @property
    def home_address(self) -> HomeAddress:
        """The home that these settings name."""
        database_url = None if self.database_url is None else self.database_url.get_secret_value()
        return HomeAddress(self.home, tenant=self.tenant, database_url=database_url)

    def of_tenant(self, tenant: str) -> Settings:
        """Return the same settings for another tenant."""
        return self.model_copy(update={"tenant": tenant})

    @property
    def n_workers(self) -> int:
        """Processes of a scan: as requested, or one a core, limited by cores and free memory."""
        return allowance(self.workers).n_workers

    def decode_limits(self) -> Limits:
        """Return the limits of the decoder for one item."""
        from earwitness.fingerprint.decode import Limits

        return Limits(
            max_bytes=self.max_item_bytes,
            max_seconds=self.max_seconds,
            wall_s=self.decode_wall_s,
            memory_bytes=self.decode_memory_bytes,
        )

    def source_limits(self) -> SourceLimits:
        """Return the limits of a reader for one source."""
        from earwitness.api.datasets.items import SourceLimits

        return SourceLimits(
            item_bytes=self.max_item_bytes,
            reader_memory_bytes=self.reader_memory_bytes,
            reader_wall_s=self.reader_wall_s,
            members=self.max_members,
            total_bytes=self.max_unpacked_bytes,
            ratio=self.max_ratio,
            json_bytes=self.max_manifest_bytes,
        )


def worker_environment() -> dict[str, str]:
    """Return the environment for a worker process.

    It is this process's environment, with one thread for every numeric library, and this program's own folder
    on the import path: a worker is started without the current folder on its path.
    """
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    own = str(Path(__file__).absolute().parents[2])
    paths = [own, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, **one, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
