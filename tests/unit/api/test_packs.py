"""Packs: verified to the last byte, added as a whole or not at all, harmless when hostile."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from joserfc.jwk import OKPKey
from typer.testing import CliRunner

from earwitness.api.cli.app import app
from earwitness.api.packs import installed_packs as packs_module
from earwitness.api.packs.add_pack import RemovedPacks, add_pack, remove_pack
from earwitness.api.packs.installed_packs import (
    PENDING,
    InstalledPack,
    installed_packs,
    pack_key,
    packs_folder,
    read_installed,
)
from earwitness.api.packs.pack_errors import (
    InstalledPackDamaged,
    NoSuchPack,
    NotAPack,
    PackDamaged,
    PackError,
    PackKeyUnknown,
    PackNotSigned,
    PackOfOtherScheme,
    PackSignatureWrong,
    PackTooNew,
)
from earwitness.api.packs.pack_keys import accept_key, accepted_keys, forget_key
from earwitness.api.packs.read_pack import opened_pack
from earwitness.api.packs.verify_installed import home_problems
from earwitness.api.packs.verify_pack import verify_pack
from earwitness.api.shelf.same_file import open_known_files
from earwitness.index.library import Library
from earwitness.index.store.store_errors import CollectionExists
from tests.unit.api.made_packs import CARD, file_row, made_pack, settings, sound_row

FILES = [file_row("a.wav", b"a"), file_row("b/ä.wav", b"b")]
KEY = OKPKey.generate_key("Ed25519")


def names_of(home: Path) -> list[str]:
    """The datasets that were added."""
    return [f"{each.manifest.name}:{each.manifest.version}" for each in installed_packs(settings(home))]


def finds(home: Path, contents: bytes) -> list[tuple[str, str, tuple[str, ...]]]:
    """Datasets, digests and paths of the files with these bytes."""
    known = open_known_files(settings(home))
    digests = {kind: hashlib.new(kind, contents).hexdigest() for kind in known.digests}
    return [(each.dataset.name, each.digest, each.paths) for each in known.find(digests)]


def test_a_pack_brings_its_files(tmp_path: Path) -> None:
    """Files of a pack are found by their bytes once it is added, and no more once it is removed."""
    home = tmp_path / "home"
    pack = made_pack(tmp_path / "a.pack", files=FILES)
    assert finds(home, b"b") == []
    assert not add_pack(pack, settings(home), unsigned=True).already
    assert add_pack(pack, settings(home), unsigned=True).already
    assert finds(home, b"b") == [("made-up", "sha256", ("b/ä.wav",))]
    assert finds(home, b"c") == []
    assert remove_pack("made-up:1", settings(home)).names == ("made-up:1",)
    assert (finds(home, b"b"), names_of(home)) == ([], [])
    with pytest.raises(NoSuchPack, match="made-up"):
        remove_pack("made-up", settings(home))


@pytest.mark.parametrize("name", ["manifest.json", "manifest.jws", "signer", "card.json", "known.files"])
def test_verify_names_what_was_changed_in_an_added_pack(tmp_path: Path, name: str) -> None:
    """Each file of an added pack is checked, in a home with nothing else too; a missing one is a problem."""
    home = settings(tmp_path / "home")
    accept_key(packs_folder(home), KEY.thumbprint(), "Me")
    add_pack(made_pack(tmp_path / "a.pack", files=FILES, key=KEY), home)
    assert home_problems(home) == []
    file = packs_folder(home) / pack_key("made-up", "1") / name
    contents = bytearray(file.read_bytes())
    at = contents.find(hashlib.sha256(b"a").digest())  # a digest in the list of known files
    contents[at if at >= 0 else len(contents) // 3] ^= 1
    file.write_bytes(contents)
    (changed,) = home_problems(home)
    file.unlink()
    assert str(file.parent) in changed.where and home_problems(home)


@pytest.mark.parametrize("name", ["manifest.json", "card.json", "known.files"])
def test_nothing_is_answered_without_a_damaged_pack(tmp_path: Path, name: str) -> None:
    """A pack that cannot be read is an error naming its key, by which it is removed; others stay."""
    home = tmp_path / "home"
    for version in ("1", "2"):
        made = made_pack(tmp_path / "a.pack", files=FILES, version=version)
        add_pack(made, settings(home), unsigned=True)
    key = pack_key("made-up", "1")
    (packs_folder(settings(home)) / key / name).unlink()
    with pytest.raises(InstalledPackDamaged, match=key) as error:
        finds(home, b"b")
    assert error.value.hint is not None and f"pack remove {key}" in error.value.hint
    by = key if name == "manifest.json" or name == "card.json" else "made-up:1"
    assert remove_pack(key, settings(home)) == RemovedPacks(names=(by,))
    assert names_of(home) == ["made-up:2"] and finds(home, b"b")
    with pytest.raises(NoSuchPack):
        remove_pack(key, settings(home))


@pytest.mark.parametrize("name", ["manifest.json", "known.files"])
def test_a_damaged_pack_with_sound_can_be_added_again(tmp_path: Path, name: str) -> None:
    """With its manifest the sound goes, too; without it the sound stays, and what to do is said."""
    home, pack = tmp_path / "home", made_pack(tmp_path / "a.pack", files=FILES, sound=[sound_row(1)])
    add_pack(pack, settings(home), unsigned=True)
    key = pack_key("made-up", "1")
    (packs_folder(settings(home)) / key / name).unlink()
    stays = ("made-up:1",) if name == "manifest.json" else ()
    assert remove_pack(key, settings(home)).stays == stays
    if stays:
        with pytest.raises(CollectionExists, match="made-up:1") as error:
            add_pack(pack, settings(home), unsigned=True)
        assert "earwitness remove made-up:1" in str(error.value.hint)
        removed = CliRunner().invoke(app, ["--home", str(home), "remove", "made-up:1", "--yes"])
        assert removed.exit_code == 0, removed.output
    assert not add_pack(pack, settings(home), unsigned=True).already


def test_a_pack_that_is_renamed_while_it_is_read_is_not_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process that adds a pack gives the folder its name between two looks."""
    home = tmp_path / "home"
    add_pack(made_pack(tmp_path / "a.pack", files=FILES), settings(home), unsigned=True)
    folder, looked = packs_folder(settings(home)) / pack_key("made-up", "1"), list[Path]()
    folder.rename(pending := folder.with_name(folder.name + PENDING))

    def rename_first(each: Path) -> InstalledPack:
        looked.append(each)
        if pending.exists():
            pending.rename(folder)
        return read_installed(each)

    monkeypatch.setattr(packs_module, "read_installed", rename_first)
    assert names_of(home) == ["made-up:1"] and looked == [pending, folder]


def test_verify_names_the_changed_manifest_of_an_unsigned_pack(tmp_path: Path) -> None:
    """A manifest that is valid, but not the one that was added."""
    home = settings(tmp_path / "home")
    add_pack(made_pack(tmp_path / "a.pack", files=FILES), home, unsigned=True)
    manifest = packs_folder(home) / pack_key("made-up", "1") / "manifest.json"
    text = manifest.read_text()
    assert '"complete":true' in text
    manifest.write_text(text.replace('"complete":true', '"complete":false'))
    (problem,) = home_problems(home)
    assert problem.where == str(manifest) and problem.hint.count("pack remove") == 1


def test_another_pack_of_the_same_dataset_is_refused(tmp_path: Path) -> None:
    """A name and version has one pack; another version stands beside it."""
    home = tmp_path / "home"
    add_pack(made_pack(tmp_path / "a.pack", files=FILES), settings(home), unsigned=True)
    with pytest.raises(CollectionExists, match="made-up:1"):
        add_pack(made_pack(tmp_path / "b.pack", files=FILES[:1]), settings(home), unsigned=True)
    add_pack(made_pack(tmp_path / "c.pack", files=FILES, version="2"), settings(home), unsigned=True)
    assert names_of(home) == ["made-up:1", "made-up:2"]


def test_any_zip_program_reads_a_pack(tmp_path: Path) -> None:
    """The standard library's reader finds all members and no error."""
    pack = made_pack(tmp_path / "a.pack", files=FILES, key=KEY)
    with zipfile.ZipFile(pack) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.json", "manifest.jws", "card.json", "files.parquet"]
        table = pq.read_table(io.BytesIO(archive.read("files.parquet")))
    assert table.column("path").to_pylist() == ["a.wav", "b/ä.wav"]


def test_every_changed_byte_is_refused(tmp_path: Path) -> None:
    """Of 500 packs with one changed byte, all are refused with the part or the kind of damage named."""
    pack = made_pack(tmp_path / "a.pack", files=FILES, sound=[sound_row(1)], key=KEY)
    whole, random_ = pack.read_bytes(), random.Random(7)
    for position in random_.sample(range(len(whole)), 500):
        changed = bytearray(whole)
        changed[position] ^= random_.randrange(1, 256)
        pack.write_bytes(changed)
        with pytest.raises(PackError, match=r"a\.pack"), opened_pack(pack, settings(tmp_path)):
            pass
    for changed_whole in (whole + b"\0", b"\0" + whole, whole[:-1], whole[: len(whole) // 2], b""):
        pack.write_bytes(changed_whole)
        with pytest.raises(PackError), opened_pack(pack, settings(tmp_path)):
            pass
    pack.write_bytes(whole)
    with opened_pack(pack, settings(tmp_path)) as opened:
        assert opened.signer == KEY.thumbprint()


def test_a_changed_part_is_named(tmp_path: Path) -> None:
    """The error about a changed table names the table."""
    pack = made_pack(tmp_path / "a.pack", files=FILES)
    with zipfile.ZipFile(pack) as archive:
        place = archive.getinfo("files.parquet").header_offset + 30 + len("files.parquet") + 5
    changed = bytearray(pack.read_bytes())
    changed[place] ^= 1
    pack.write_bytes(changed)
    with pytest.raises(PackDamaged, match=r"files\.parquet"):
        verify_pack(pack, settings(tmp_path))


def test_whose_packs_are_accepted_is_the_users_choice(tmp_path: Path) -> None:
    """Packs without a signature or of an unknown key are refused until they are accepted by name."""
    home, folder = tmp_path / "home", packs_folder(settings(tmp_path / "home"))
    unsigned = made_pack(tmp_path / "u.pack", files=FILES)
    signed = made_pack(tmp_path / "s.pack", files=FILES, key=KEY, version="2")
    with pytest.raises(PackNotSigned):
        add_pack(unsigned, settings(home))
    for anyway in (False, True):
        with pytest.raises(PackKeyUnknown, match=KEY.thumbprint()):
            add_pack(signed, settings(home), unsigned=anyway)
    accept_key(folder, KEY.thumbprint(), "a friend")
    assert [each.owner for each in accepted_keys(folder)] == ["a friend"]
    add_pack(signed, settings(home))
    assert verify_pack(signed, settings(home)).accepted
    assert forget_key(folder, KEY.thumbprint()) and not forget_key(folder, KEY.thumbprint())
    assert names_of(home) == ["made-up:2"]


def test_a_signature_of_another_manifest_is_refused(tmp_path: Path) -> None:
    """A signature moved from one pack to another does not fit."""
    from earwitness.api.packs.pack_container import write_container

    parts: dict[str, dict[str, bytes]] = {}
    for name, version in (("a", "1"), ("b", "2")):
        with zipfile.ZipFile(made_pack(tmp_path / name, files=FILES, key=KEY, version=version)) as archive:
            parts[name] = {member: archive.read(member) for member in archive.namelist()}
    with (tmp_path / "c").open("wb") as file:
        write_container(file, list((parts["a"] | {"manifest.jws": parts["b"]["manifest.jws"]}).items()))
    with pytest.raises(PackSignatureWrong), opened_pack(tmp_path / "c", settings(tmp_path)):
        pass


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """A pack in a format that is not known is refused with its format."""
    from earwitness.api.packs.pack_container import write_container

    with (tmp_path / "a.pack").open("wb") as file:
        manifest = json.dumps({"format": "earwitness.pack/9"}).encode()
        write_container(file, [("manifest.json", manifest), ("card.json", b"{}")])
    with pytest.raises(PackTooNew, match=r"earwitness\.pack/9"):
        verify_pack(tmp_path / "a.pack", settings(tmp_path))


def parquet(columns: dict[str, Any]) -> bytes:
    """A Parquet file of other columns than a pack's."""
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def card_with(address: str) -> bytes:
    """A card with this address for requests."""
    contact = {"kind": "opt_out", "address": address, "source": "a test", "seen": "2026-01-02"}
    return json.dumps(CARD | {"contact": [contact]}).encode()


HOSTILE: dict[str, dict[str, Any]] = {
    "no Parquet": {"parts": {"files.parquet": b"PAR1" + bytes(100) + b"PAR1"}},
    "other columns": {"parts": {"files.parquet": parquet({"path": ["a"]})}},
    "more rows than stated": {"files": FILES, "rows": {"files.parquet": 1}},
    "fewer rows than stated": {"files": FILES, "rows": {"files.parquet": 3}},
    "a path without end": {"files": [file_row("a" * 5000, b"a")]},
    "no path": {"files": [file_row("", b"a")]},
    "a card without schema": {"files": FILES, "parts": {"card.json": b'{"name": "x"}'}},
    "a card of nested lists": {"files": FILES, "parts": {"card.json": b"[" * 50_000}},
    "an address that is a script": {"files": FILES, "parts": {"card.json": card_with("javascript:alert(1)")}},
    "an address with headers": {
        "files": FILES,
        "parts": {"card.json": card_with("mailto:a@b.org?cc=c@d.org")},
    },
    "peaks beyond the end": {"sound": [sound_row(1, peak_frames=np.full(40, 2**31 - 1, np.int32))]},
    "peaks before the start": {"sound": [sound_row(1, peak_frames=np.full(40, -1, np.int32))]},
    "peaks out of order": {"sound": [sound_row(1, peak_frames=np.arange(40, dtype=np.int32)[::-1])]},
    "bands that do not exist": {"sound": [sound_row(1, peak_bands=np.full(40, 200, np.uint8))]},
    "fewer bands than frames": {"sound": [sound_row(1, peak_bands=np.full(39, 20, np.uint8))]},
    "codes cut within one": {"sound": [sound_row(1, codes=bytes(33))]},
    "more codes than its length": {"sound": [sound_row(1, codes=bytes(32 * 1000))]},
    "no codes": {"sound": [sound_row(1, codes=b"")]},
    "a length that is no number": {"sound": [sound_row(1, duration_s=10.0) | {"duration_s": float("nan")}]},
    "a length without end": {"sound": [sound_row(1) | {"duration_s": 1e300}]},
    "a recording that is nowhere": {"sound": [sound_row(1, recording=None)]},
    "metadata that is no object": {"sound": [sound_row(1, metadata="[1]")]},
    "metadata of nested objects": {"sound": [sound_row(1, metadata='{"a":' * 10_000)]},
    "another digest": {"sound": [sound_row(1, sha256=None)]},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_pack_changes_nothing(tmp_path: Path, case: str) -> None:
    """A pack with hostile contents and right digests is refused, and nothing of it is in the home."""
    home = tmp_path / "home"
    pack = made_pack(tmp_path / "a.pack", **HOSTILE[case])
    with pytest.raises(PackDamaged, match=r"a\.pack"):
        add_pack(pack, settings(home), unsigned=True)
    assert names_of(home) == []
    assert [each.name for each in packs_folder(settings(home)).glob("*") if each.is_dir()] == []


def test_what_is_no_pack_is_refused(tmp_path: Path) -> None:
    """Other archives and texts are no packs; names outside of the list of members are refused."""
    (tmp_path / "text").write_text("a letter")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("../../evil", "x")
    for name in ("text", "zip", "missing"):
        with pytest.raises((NotAPack, PackDamaged), match=name):
            add_pack(tmp_path / name, settings(tmp_path / "home"), unsigned=True)


def test_paths_in_a_pack_are_labels(tmp_path: Path) -> None:
    """A path that leads elsewhere is kept as a text, and no file appears under it."""
    home = tmp_path / "home"
    rows = [file_row("../../../evil.wav", b"a"), file_row("/etc/evil", b"b"), file_row("nul\0", b"c")]
    add_pack(made_pack(tmp_path / "a.pack", files=rows), settings(home), unsigned=True)
    assert finds(home, b"a") == [("made-up", "sha256", ("../../../evil.wav",))]
    assert finds(home, b"c") == [("made-up", "sha256", ("nul\\x00",))]
    assert [path for path in tmp_path.rglob("*") if "evil" in path.name] == []


def test_sound_of_a_pack_is_in_the_catalog(tmp_path: Path) -> None:
    """Items, fingerprints and failures come as they were made, at the time they were indexed."""
    home = tmp_path / "home"
    rows = [
        sound_row(1),
        sound_row(1, path="again.wav"),
        {"path": "bad.wav", "error_code": "not_audio", "error_message": "m", "error_hint": "h"},
    ]
    add_pack(made_pack(tmp_path / "a.pack", sound=rows), settings(home), unsigned=True)
    with Library.open(settings(home).home_address) as library:
        (dataset,) = library.collections
        assert (dataset.n_items, dataset.n_unreadable, dataset.n_recordings) == (2, 1, 1)
        assert (dataset.indexed_at, dataset.complete) == ("2026-01-02T03:04:05Z", True)
        items = library.listing(dataset.id)
        assert [each.path for each in items] == ["clip 1.wav", "again.wav", "bad.wav"]
        assert items[0].recording is not None
        assert library.peaks(items[0].recording)[:, 0].tolist() == rows[0]["peak_frames"].tolist()
        # a fingerprint from elsewhere is never taken for that of the same bytes decoded here
        assert library.by_sha256(rows[0]["sha256"].hex()) is None
    remove_pack("made-up", settings(home))
    with Library.open(settings(home).home_address) as library:
        assert library.collections == ()


def test_sound_of_another_scheme_is_refused_or_left_out(tmp_path: Path) -> None:
    """Fingerprints of another scheme are not mixed; the files of such a pack can be added alone."""
    home = tmp_path / "home"
    pack = made_pack(tmp_path / "a.pack", files=FILES, sound=[sound_row(1)], scheme="ew9-000000")
    with pytest.raises(PackOfOtherScheme, match="ew9-000000"):
        add_pack(pack, settings(home), unsigned=True)
    assert names_of(home) == []
    add_pack(pack, settings(home), unsigned=True, with_sound=False)
    assert finds(home, b"a") == [("made-up", "sha256", ("a.wav",))]


def test_what_a_killed_process_left_is_settled(tmp_path: Path) -> None:
    """A pack whose sound is stored counts as added at once; one whose sound is not stored never was."""
    home, folder = tmp_path / "home", packs_folder(settings(tmp_path / "home"))
    pack = made_pack(tmp_path / "a.pack", files=FILES, sound=[sound_row(1)])
    add_pack(pack, settings(home), unsigned=True)
    added = folder / pack_key("made-up", "1")
    # killed after the catalog's transaction, before the folder got its name
    added.rename(folder / f"{added.name}{PENDING}")
    assert names_of(home) == ["made-up:1"]
    assert finds(home, b"a") != []
    # killed before the transaction: another dataset's folder is pending, and its sound is not stored
    other = made_pack(tmp_path / "b.pack", files=[file_row("z", b"z")], sound=[sound_row(2)], version="2")
    add_pack(other, settings(tmp_path / "elsewhere"), unsigned=True)
    name = pack_key("made-up", "2")
    (packs_folder(settings(tmp_path / "elsewhere")) / name).rename(folder / f"{name}{PENDING}")
    (folder / ".tmp-123").mkdir()
    assert (names_of(home), finds(home, b"z")) == (["made-up:1"], [])
    assert add_pack(pack, settings(home), unsigned=True).already
    assert sorted(each.name for each in folder.iterdir() if each.is_dir()) == [added.name]
    add_pack(other, settings(home), unsigned=True)
    assert (names_of(home), len(finds(home, b"z"))) == (["made-up:1", "made-up:2"], 1)
