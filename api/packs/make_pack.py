"""Make a pack of an indexed dataset."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Collection as Names
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from earwitness.api.packs.pack_container import BLOCK_BYTES, write_container
from earwitness.api.packs.pack_errors import NothingToPack
from earwitness.api.packs.pack_manifest import PackManifest, PartStated
from earwitness.api.packs.pack_signature import sign
from earwitness.api.packs.pack_tables import file_rows, sound_rows, write_table
from earwitness.api.packs.packed_names import PART as NAMES
from earwitness.api.packs.packed_names import name_rows, names_of_items
from earwitness.api.pipeline.pipeline_errors import NoSuchCollection
from earwitness.api.scan.outputs import whole_file
from earwitness.api.settings import Settings
from earwitness.api.shelf.dataset_cards import Card, Statement, card_json, cards
from earwitness.index.database.records import Collection
from earwitness.index.names.name_list import NameList
from earwitness.index.store.dataset_rows import DatasetRow, dataset_rows
from earwitness.index.store.store_errors import HomeMissing

if TYPE_CHECKING:
    from joserfc.jwk import OKPKey

NO_AUDIO: Final = "The pack holds no audio."
SOUND_GIVES_AWAY: Final = (
    "Its fingerprints give part of the sound away: music that was made again from such fingerprints had "
    "the same strongest pitch class in 41 of 100 moments (another recording: 8), and speech an "
    "intelligibility (STOI) of 0.38 (another recording: 0.15, the whole spectrogram: 0.83). Better "
    "attacks may exist: make no pack of works that nobody may know of."
)
"""A test compares it with the record of ``python -m benchmarks pack-privacy``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePack:
    """A pack that was written; `signer` is the fingerprint of the key, None without one."""

    manifest: PackManifest
    signer: str | None
    size_bytes: int

    @property
    def warning(self) -> str:
        """What its maker must know before it is handed on."""
        return f"{NO_AUDIO} {SOUND_GIVES_AWAY}" if "sound.parquet" in self.manifest.parts else NO_AUDIO


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetToPack:
    """What is known here of a dataset: its indexed audio, its names, or both."""

    audio: Collection | None
    names: Path | None

    @property
    def head(self) -> tuple[str, str, str, bool, str]:
        """Name, version, time of indexing, whether it is complete, and what it holds in words."""
        if self.audio is not None:
            audio = self.audio
            holds = f"{audio.n_items:,} items that the maker of the pack indexed"
            return audio.name, audio.version, audio.indexed_at, audio.complete, holds
        assert self.names is not None  # one of the two is there
        with closing(NameList(self.names)) as names:
            listed = names.dataset
        holds = f"{listed.n_entries:,} names of a list that the maker of the pack indexed"
        return listed.name, listed.version, listed.date, listed.complete, holds


def dataset_to_pack(settings: Settings, name: str) -> DatasetToPack:
    """Return the only dataset with this name (``NAME`` or ``NAME:VERSION``).

    Raises
    ------
    NoSuchCollection
    """
    from earwitness.api.pipeline.searched_collections import one_dataset, read_summary
    from earwitness.api.shelf.stored_names import names_path, only_named

    path = only_named(settings, name)
    try:
        audio = one_dataset(read_summary(settings).collections, name)
    except (HomeMissing, NoSuchCollection):
        if path is None:
            raise
        return DatasetToPack(audio=None, names=path)
    same = names_path(settings, name=audio.name, version=audio.version)
    return DatasetToPack(audio=audio, names=same if same == path else None)


def make_pack(
    settings: Settings,
    dataset: DatasetToPack,
    out: Path,
    *,
    key: OKPKey | None = None,
    without: Names[str] = (),
    card: bytes | None = None,
) -> MadePack:
    """Write all that is known of a dataset into one file, which appears complete or not at all.

    Parameters
    ----------
    without
        What is left out: ``files``, ``sound``, or ``names`` (with the metadata of items).
    card
        The card as JSON; by default the shipped one of that name, else one that states what was indexed.

    Raises
    ------
    NothingToPack
    PackTooLarge, CannotWrite, DiskFull, CatalogDamaged
    """
    name, version, indexed_at, complete, holds = dataset.head
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".earwitness-pack-") as folder:
        written = _tables(settings, dataset, Path(folder), without=without)
        parts = {part: table for part, table in written.items() if table[1]}
        if not parts:
            raise NothingToPack(name=f"{name}:{version}")
        path = Path(folder) / "card.json"
        path.write_bytes(card or default_card(name, holds=holds, date=indexed_at[:10]))
        parts["card.json"] = (path, 1)
        manifest = PackManifest(
            name=name,
            version=version,
            scheme=dataset.audio.scheme if dataset.audio is not None and "sound.parquet" in parts else None,
            indexed_at=indexed_at,
            made_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            made_with=f"earwitness {version_of('earwitness')}",
            complete=complete,
            parts={part: _stated(path, rows=n_rows) for part, (path, n_rows) in sorted(parts.items())},
        )
        text = manifest.to_bytes()
        members: list[tuple[str, Path | bytes]] = [("manifest.json", text)]
        if key is not None:
            members.append(("manifest.jws", sign(text, key)))
        members += [(part, path) for part, (path, _) in parts.items()]
        with whole_file(out) as file:
            write_container(file, members)
            size_bytes = file.tell()
    signer = None if key is None else key.thumbprint()
    return MadePack(manifest=manifest, signer=signer, size_bytes=size_bytes)


def _tables(
    settings: Settings, dataset: DatasetToPack, folder: Path, *, without: Names[str]
) -> dict[str, tuple[Path, int]]:
    """Write the tables of a pack; return the file of each and the number of its rows."""
    tables: dict[str, Iterable[Mapping[str, Any]]] = {}
    with ExitStack() as stack:
        if dataset.names is not None and "names" not in without:
            tables[NAMES] = name_rows(stack.enter_context(closing(NameList(dataset.names))).entries())
        if dataset.audio is not None:
            rows = _rows_of(settings, dataset.audio)
            if "files" not in without:
                tables["files.parquet"] = file_rows(rows())
            if "sound" not in without:
                tables["sound.parquet"] = sound_rows(rows(), with_names="names" not in without)
            if NAMES not in tables and "names" not in without:
                tables[NAMES] = name_rows(names_of_items(rows()))
        paths = {part: folder / part for part in tables}
        return {part: (paths[part], write_table(paths[part], part, made)) for part, made in tables.items()}


def _rows_of(settings: Settings, audio: Collection) -> Callable[[], Iterator[DatasetRow]]:
    from earwitness.fingerprint.extract import extractor  # loads the inference runtime

    code_bytes = extractor(audio.scheme).params.code_bytes

    def rows() -> Iterator[DatasetRow]:
        return dataset_rows(settings.home_address, audio.id, scheme=audio.scheme, code_bytes=code_bytes)

    return rows


def _stated(path: Path, *, rows: int) -> PartStated:
    digest, size_bytes = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            size_bytes += len(block)
    return PartStated(sha256=digest.hexdigest(), size_bytes=size_bytes, rows=rows)


def default_card(name: str, *, holds: str, date: str) -> bytes:
    """Return the shipped card of a dataset, else one that states only what was indexed, and when."""
    for card in cards().values():
        if name.casefold() in {card.id, card.name.casefold()}:
            return _bytes_of(card)
    card_id = re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")[:64] or "dataset"
    source = f"earwitness {version_of('earwitness')}, pack make"
    contents = Statement(value=holds, source=source, date=date)
    return _bytes_of(Card(id=card_id, name=name[:100], statements={"contents": contents}))


def _bytes_of(card: Card) -> bytes:
    return json.dumps(card_json(card), indent=1, ensure_ascii=False).encode()
