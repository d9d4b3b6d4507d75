"""Hostile zips: bombs, lies, links, devices, damage, what is not listed, and names that lead elsewhere."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.hostile.case import Case, wav


def zip_of(
    root: Path, members: Sequence[tuple[str | zipfile.ZipInfo, bytes]], *, method: int = zipfile.ZIP_STORED
) -> Path:
    """A zip of these members; duplicate names are allowed."""
    path = root / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            info.compress_type = method
            # zipfile warns of a second member of one name; that is the point here
            archive.NameToInfo.pop(info.filename, None)
            archive.writestr(info, data)
    return path


def patched(path: Path, change: Callable[[bytearray], None]) -> Path:
    """The file with some of its bytes changed."""
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)
    return path


def _central(data: bytearray, number: int = 0) -> int:
    at = -1
    for _ in range(number + 1):
        at = data.index(b"PK\x01\x02", at + 1)
    return at


def _set(data: bytearray, at: int, form: str, *values: int) -> None:
    struct.pack_into(form, data, at, *values)


def _unix(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


def zip_bomb(root: Path) -> Path:
    """Make: zip bomb."""
    return zip_of(root, [("a.wav", bytes(8 << 20)), ("b.wav", wav())], method=zipfile.ZIP_DEFLATED)


def zip_states_100_gib(root: Path) -> Path:
    """Make: zip states 100 gib."""
    path = zip_of(root, [("a.wav", wav())])
    return patched(path, lambda data: _set(data, _central(data) + 24, "<L", 0xFFFFFFF0))


def zip_states_more_than_it_has(root: Path) -> Path:
    """Make: zip states more than it has."""
    path = zip_of(root, [("a.wav", wav())])
    return patched(path, lambda data: _set(data, _central(data) + 24, "<L", len(wav()) + 100))


def zip_wrong_crc(root: Path) -> Path:
    """Make: zip wrong crc."""
    path = zip_of(root, [("a.wav", wav())])
    return patched(path, lambda data: _set(data, _central(data) + 16, "<L", 1))


def zip_overlapping(root: Path) -> Path:
    """Make: zip overlapping."""
    path = zip_of(root, [("a.wav", wav()), ("b.wav", wav(1))])
    return patched(path, lambda data: _set(data, _central(data, 1) + 42, "<L", 0))


def zip_offset_past_the_end(root: Path) -> Path:
    """Make: zip offset past the end."""
    path = zip_of(root, [("a.wav", wav())])
    return patched(path, lambda data: _set(data, _central(data) + 42, "<L", 0x7FFFFFFF))


def zip_nested(root: Path) -> Path:
    """Make: zip nested."""
    inner = zip_of(root, [("a.wav", wav())]).read_bytes()
    return zip_of(root, [("inner.zip", inner), ("inner.bin", inner), ("b.wav", wav())])


def zip_encrypted(root: Path) -> Path:
    """Make: zip encrypted."""
    path = zip_of(root, [("a.wav", wav())])
    return patched(path, lambda data: _set(data, _central(data) + 8, "<H", 1))


def zip_links_and_devices(root: Path) -> Path:
    """Make: zip links and devices."""
    members: list[tuple[str | zipfile.ZipInfo, bytes]] = [
        (_unix("l.wav", 0o120777), b"/etc/passwd"),
        (_unix("d.wav", 0o020666), b""),
        ("b.wav", wav()),
    ]
    return zip_of(root, members)


def zip_climbing_names(root: Path) -> Path:
    """Make: zip climbing names."""
    names = ["../../x.wav", "/etc/cron.d/x.wav", "C:\\x.wav", "..\\..\\x.wav", "a/../../x.wav"]
    return zip_of(root, [(name, wav()) for name in [*names, "ok.wav"]])


def zip_name_of_nul(root: Path) -> Path:
    """Make: zip of members whose names begin with a NUL, or are empty; a fuzzer's find."""
    path = zip_of(root, [("Zname.wav", wav()), ("b.wav", wav(1))])
    return patched(
        path, lambda data: data.__setitem__(slice(None), data.replace(b"Zname.wav", b"\0name.wav"))
    )


def zip_empty_name(root: Path) -> Path:
    """Make: zip with a member that has no name at all."""
    return zip_of(root, [("", wav()), ("b.wav", wav(1))])


def zip_duplicate_names(root: Path) -> Path:
    """Make: zip duplicate names."""
    return zip_of(root, [("a.wav", wav()), ("a.wav", wav(1)), ("a.wav", wav(2))])


def zip_odd_names(root: Path) -> Path:
    """Make: zip odd names."""
    path = zip_of(root, [("aXb.wav", wav()), ("cXd.wav", wav(1))])

    def change(data: bytearray) -> None:
        data[:] = data.replace(b"aXb", b"a\xffb").replace(b"cXd", b"c\0d")

    return patched(path, change)


def zip_states_a_million_entries(root: Path) -> Path:
    """Make: zip states a million entries."""
    path = zip_of(root, [("a.wav", wav())])

    def change(data: bytearray) -> None:
        _set(data, data.rindex(b"PK\x05\x06") + 8, "<2HL", 0xFFFE, 0xFFFE, 100_000_000)

    return patched(path, change)


def zip64_states_an_exabyte(root: Path) -> Path:
    """Make: zip64 states an exabyte."""
    path = zip_of(root, [("a.wav", wav())])

    def change(data: bytearray) -> None:
        end = data.rindex(b"PK\x05\x06")
        wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 10**6, 10**6, 1 << 60, 0)
        data[end:end] = wide + struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
        _set(data, data.rindex(b"PK\x05\x06") + 8, "<2H2L", 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)

    return patched(path, change)


def zip_too_many_members(root: Path) -> Path:
    """Make: zip too many members."""
    return zip_of(root, [(f"{n}.wav", b"") for n in range(2_000)])


def zip_truncated(root: Path) -> Path:
    """Make: zip truncated."""
    return patched(zip_of(root, [("a.wav", wav())]), lambda data: data.__delitem__(slice(-40, None)))


def zip_lzma(root: Path) -> Path:
    """Make: zip lzma."""
    return zip_of(root, [("a.wav", bytes(1 << 16))], method=zipfile.ZIP_LZMA)


def zip_bzip2(root: Path) -> Path:
    """Make: zip by bzip2."""
    return zip_of(root, [("a.wav", wav()), ("b.wav", wav(1))], method=zipfile.ZIP_BZIP2)


def zip_deflate64(root: Path) -> Path:
    """Make: zip that states a method that nobody reads here."""
    path = zip_of(root, [("a.wav", wav()), ("b.wav", wav(1))])
    return patched(path, lambda data: _set(data, _central(data) + 10, "<H", 9))


def zip_bomb_bzip2(root: Path) -> Path:
    """Make: zip bomb by a method that packs better than Deflate."""
    return zip_of(root, [("a.wav", bytes(8 << 20)), ("b.wav", wav())], method=zipfile.ZIP_BZIP2)


def zip_bomb_of_notes(root: Path) -> Path:
    """Make: zip of a text that packs well, beside sound; it is looked through, and no item."""
    return zip_of(root, [("a.txt", b"a" * (8 << 20)), ("b.wav", wav())], method=zipfile.ZIP_DEFLATED)


def zip_damaged_lzma(root: Path) -> Path:
    """Make: zip by LZMA with noise in its middle."""
    path = zip_of(root, [("a.wav", wav() * 20)], method=zipfile.ZIP_LZMA)
    return patched(path, lambda data: data.__setitem__(slice(60, 90), b"\xff" * 30))


def zip_after_zip(root: Path) -> Path:
    """Make: two zips joined by cat; only the second one's directory is at the end."""
    first = zip_of(root, [("a.wav", wav())]).read_bytes()
    path = zip_of(root, [("b.wav", wav(1))])
    path.write_bytes(first + path.read_bytes())
    return path


def zip_hidden_member(root: Path) -> Path:
    """Make: zip of three members of which the directory lists two."""
    path = zip_of(root, [(f"{name}.wav", wav(n)) for n, name in enumerate("abc")])

    def change(data: bytearray) -> None:
        first, second = _central(data), _central(data, 1)
        size = second - first
        del data[first:second]
        at = data.rindex(b"PK\x05\x06")
        _set(data, at + 8, "<2H", 2, 2)
        _set(data, at + 12, "<L", struct.unpack_from("<L", data, at + 12)[0] - size)

    return patched(path, change)


def zip_then_sound(root: Path) -> Path:
    """Make: zip with a sound after its end."""
    path = zip_of(root, [("a.wav", wav())])
    path.write_bytes(path.read_bytes() + wav(1))
    return path


def zip_folder_of_sound(root: Path) -> Path:
    """Make: zip with sound under names that are those of folders."""
    return zip_of(root, [("a.wav", wav()), ("b.wav/", wav(1)), ("c\\", wav(2)), ("empty/", b"")])


def zip_behind_a_program(root: Path) -> Path:
    """Make: zip with a program before it, as self-extracting zips have."""
    path = zip_of(root, [("a.wav", wav())])
    path.write_bytes(b"MZ" + bytes(range(256)) * 40 + path.read_bytes())
    return path


def zip_split(root: Path) -> Path:
    """Make: the last part of a zip that was split."""
    path = zip_of(root, [("a.wav", wav())])
    return patched(path, lambda data: _set(data, data.rindex(b"PK\x05\x06") + 4, "<2H", 2, 1))


def zip_damaged_deflate(root: Path) -> Path:
    """Make: zip damaged deflate."""
    path = zip_of(root, [("a.wav", wav() * 20)], method=zipfile.ZIP_DEFLATED)
    return patched(path, lambda data: data.__setitem__(slice(60, 90), b"\xff" * 30))


ZIPS: tuple[Case, ...] = (
    Case("zip bomb", zip_bomb, {"bomb", "ok"}),
    Case("zip states 4 GiB", zip_states_100_gib, {"bomb"}),
    Case("zip states more than it has", zip_states_more_than_it_has, {"item_unreadable"}),
    Case("zip wrong checksum", zip_wrong_crc, {"item_unreadable"}),
    Case("zip overlapping members", zip_overlapping, {"overlapping_member", "unlisted_data"}),
    Case("zip offset past the end", zip_offset_past_the_end, {"item_unreadable", "unlisted_data"}),
    Case("zip nested", zip_nested, {"nested_archive", "ok"}),
    Case("zip encrypted", zip_encrypted, {"encrypted"}),
    Case("zip links and devices", zip_links_and_devices, {"link_refused", "device_refused", "ok"}),
    Case("zip climbing names", zip_climbing_names, {"ok"}),
    Case("zip name that begins with NUL", zip_name_of_nul, {"ok"}),
    Case("zip empty name", zip_empty_name, {"ok"}),
    Case("zip duplicate names", zip_duplicate_names, {"ok"}),
    Case("zip names with NUL and no UTF-8", zip_odd_names, {"ok"}),
    Case("zip states a million entries", zip_states_a_million_entries, {"source_too_large"}),
    Case("zip64 states an exabyte", zip64_states_an_exabyte, {"source_too_large"}),
    Case("zip of too many members", zip_too_many_members, {"source_too_large"}),
    Case("zip truncated", zip_truncated, {"source_broken"}),
    Case("zip by LZMA", zip_lzma, {"ok"}),
    Case("zip by bzip2", zip_bzip2, {"ok"}),
    Case("zip of Deflate64", zip_deflate64, {"unknown_method", "ok"}),
    Case("zip bomb by bzip2", zip_bomb_bzip2, {"bomb", "ok"}),
    Case("zip by LZMA, damaged", zip_damaged_lzma, {"item_unreadable"}),
    Case("zip after zip", zip_after_zip, {"ok", "unlisted_data"}),
    Case("zip with a member that is not listed", zip_hidden_member, {"ok", "unlisted_data"}),
    Case("sound after a zip", zip_then_sound, {"ok", "unlisted_data"}),
    Case("zip of sound called like folders", zip_folder_of_sound, {"ok"}),
    Case("zip behind a program", zip_behind_a_program, {"ok"}),
    Case("zip split in parts", zip_split, {"source_broken"}),
    Case("zip bomb of notes", zip_bomb_of_notes, {"ok"}),
    Case("zip damaged deflate", zip_damaged_deflate, {"item_unreadable"}),
)
