"""Deployment settings: folders, limits, ports. The only file that reads the environment.

No number here can change what a fingerprint means; those live in ``earwitness.fingerprint.params``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import platformdirs
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from earwitness.api.machine import allowance

if TYPE_CHECKING:
    from earwitness.api.datasets.items import SourceLimits
    from earwitness.fingerprint.decode import Limits


PREFIX: Final = "EARWITNESS_"


def variable_of(field: str) -> str:
    """Name the environment variable that sets a field."""
    return f"{PREFIX}{field.upper()}"


def default_home() -> Path:
    """Return the platform's folder for this user's data."""
    return platformdirs.user_data_path("earwitness", appauthor=False)


class Settings(BaseSettings):
    """What a deployment may choose, from ``EARWITNESS_*`` variables or keyword arguments (which win).

    Attributes
    ----------
    home : Path
        Folder of the catalog, the segments, the spool and the lock.
    database_url : SecretStr or None
        SQLAlchemy address of a PostgreSQL database (``postgresql+psycopg://...``; extra ``postgres``) for the
        catalog, in place of the home's own SQLite file. Segments, spool and lock stay in the home.
    sandbox : str
        ``auto`` takes bubblewrap where it works and resource limits where not; ``bwrap`` insists on it.
    require_sandbox : bool
        The server starts only where bubblewrap and the system call filter both work.
    max_item_bytes, max_seconds, decode_wall_s, decode_memory_bytes
        Caps on one item: bytes as stored, seconds of audio, seconds of decoding, the decoder's memory.
    reader_memory_bytes, reader_wall_s
        Caps on the process that reads an archive, table or manifest: memory it may allocate, and seconds
        without progress.
    workers : int
        Processes of a scan; 0 is one a core. Never more than cores and free memory allow (`machine`).
    search_wall_s : float
        Seconds that the comparison of one item may take; what was not compared by then is reported.
    item_wall_s, job_wall_s : float
        Seconds that all work on one item may take (then it is reported as not compared and the next one
        follows), and one job of the server in all (then it is stopped and has failed).
    uploads_per_client : int
        Uploads that one client (by its API key, else its address) may send to the server at once.
    keep_uploads_days : float
        How long the server keeps the upload of a job that failed for no fault of its upload (it was stopped
        several times without progress, or took too long), so that it can be tried again; 0 keeps none.
    max_members, max_unpacked_bytes, max_ratio, max_manifest_bytes
        Caps on one source: members of an archive, its bytes unpacked, unpacked over stored bytes, and the
        bytes of a manifest that is read whole.
    keep_findings_days : float
        How long the server keeps the findings of index and scan jobs that have ended; 0 keeps them for good.
    tenant : str
        Whose collections these are; a home can hold those of several tenants.
    host, port : str, int
        Where the server listens.
    max_upload_bytes : int
        Limit of one upload to the server, in bytes.
    api_keys, hosts : tuple of str
        Records of `api_keys`, and names the server answers to besides loopback's; separated by commas
        in the environment. No keys are needed on loopback.
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
    max_upload_bytes: int = Field(default=512 << 20, gt=0)
    uploads_per_client: int = Field(default=16, gt=0)
    keep_uploads_days: float = Field(default=7.0, ge=0, allow_inf_nan=False)
    keep_findings_days: float = Field(default=30.0, ge=0, allow_inf_nan=False)
    api_keys: Annotated[tuple[str, ...], NoDecode] = ()
    hosts: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("api_keys", "hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = tuple(part.strip() for part in value.split(",") if part.strip())
        return parts or ((value,) if value.strip() else ())  # "," must not mean that none is set

    @field_validator("home")
    @classmethod
    def _at_home(cls, home: Path) -> Path:
        """Let ``~`` stand for the user's folder, also where no shell has put that in."""
        try:
            return home.expanduser()
        except RuntimeError as error:
            raise ValueError(str(error)) from error

    @property
    def database(self) -> str | None:
        """Address of the catalog, password included; None where it is the home's own file."""
        return None if self.database_url is None else self.database_url.get_secret_value()

    @property
    def n_workers(self) -> int:
        """Processes of a scan: as asked, or one a core, as far as cores and free memory go."""
        return allowance(self.workers).n_workers

    def decode_limits(self) -> Limits:
        """Caps on what one item may cost the decoder."""
        from earwitness.fingerprint.decode import Limits

        return Limits(
            max_bytes=self.max_item_bytes,
            max_seconds=self.max_seconds,
            wall_s=self.decode_wall_s,
            memory_bytes=self.decode_memory_bytes,
        )

    def source_limits(self) -> SourceLimits:
        """Caps on what one source may ask of a reader."""
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

    It is ours, with one thread for every numeric library, and this program's own folder to import from: a
    worker is started without the current folder on its path.
    """
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    ours = str(Path(__file__).absolute().parents[2])
    paths = [ours, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, **one, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
