"""Hostile zips and tars: bombs, lies, links, devices, damage, and names that lead elsewhere."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import zstandard

from tests.hostile.case import Case, wav

Build: TypeAlias = Callable[[Path], Path]


# ---- zip -------------------------------------------------------------------------------------------------


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


def zip_damaged_deflate(root: Path) -> Path:
    """Make: zip damaged deflate."""
    path = zip_of(root, [("a.wav", wav() * 20)], method=zipfile.ZIP_DEFLATED)
    return patched(path, lambda data: data.__setitem__(slice(60, 90), b"\xff" * 30))


# ---- tar -------------------------------------------------------------------------------------------------


def member(name: str, data: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """One member of a tar: header and padded data."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    return info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512)


def header(name: str, *, size: bytes, kind: bytes = b"0") -> bytes:
    """A header whose size field reads exactly ``size``, with a right checksum."""
    block = bytearray(tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT))
    block[124:136] = size.ljust(12, b"\0")
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def pax(**records: str) -> bytes:
    """A pax header that holds these records."""
    body = b""
    for key, value in records.items():
        record = f" {key.replace('__', '.')}={value}\n".encode()
        n = len(record) + len(str(len(record) + 2))
        body += str(n).encode() + record
    return member("pax", body, kind=tarfile.XHDTYPE)


END = bytes(1024)


def tar_of(*pieces: bytes, end: bytes = END, name: str = "a.tar") -> Build:
    """Make a tar of these pieces."""

    def build(root: Path) -> Path:
        (root / name).write_bytes(b"".join(pieces) + end)
        return root / name

    return build


def packed(build: Build, pack: Callable[[bytes], bytes], ending: str) -> Build:
    """Make the tar that ``build`` makes, compressed."""

    def packing(root: Path) -> Path:
        data = build(root).read_bytes()
        (root / f"packed.{ending}").write_bytes(pack(data))
        return root / f"packed.{ending}"

    return packing


NOISE = random.Random(1).randbytes(1 << 16)
GOOD = member("ok.wav", wav())
LINKS = (
    member("s.wav", kind=tarfile.SYMTYPE, link="/etc/passwd"),
    member("h.wav", kind=tarfile.LNKTYPE, link="../../etc/shadow"),
    member("c.wav", kind=tarfile.CHRTYPE),
    member("b.wav", kind=tarfile.BLKTYPE),
    member("f.wav", kind=tarfile.FIFOTYPE),
)
CLIMBING = tuple(member(name, wav()) for name in ("../../x.wav", "/abs/x.wav", "a/../../../x.wav"))
ZEROS = tar_of(member("zeros.wav", bytes(8 << 20)), GOOD)


def gzip_of_garbage(data: bytes) -> bytes:
    """A whole gzip header, half of the stream, then noise."""
    stored = gzip.compress(data)
    return stored[: len(stored) // 2] + bytes(range(256))


def nested_tars() -> tuple[bytes, ...]:
    """Archives in an archive, by name and by content."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.wav", wav())
    tar = GOOD + END
    names = {"a.zip": inner.getvalue(), "a.tar": tar, "hidden": tar, "b.tar.gz": gzip.compress(tar)}
    return tuple(member(name, data) for name, data in names.items())


ARCHIVES: tuple[Case, ...] = (
    Case("zip bomb", zip_bomb, {"bomb", "ok"}),
    Case("zip states 4 GiB", zip_states_100_gib, {"bomb"}),
    Case("zip states more than it has", zip_states_more_than_it_has, {"item_unreadable"}),
    Case("zip wrong checksum", zip_wrong_crc, {"item_unreadable"}),
    Case("zip overlapping members", zip_overlapping, {"overlapping_member"}),
    Case("zip offset past the end", zip_offset_past_the_end, {"item_unreadable"}),
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
    Case("zip by LZMA", zip_lzma, {"item_unreadable"}),
    Case("zip damaged deflate", zip_damaged_deflate, {"item_unreadable"}),
    Case("tar links, devices, fifo", tar_of(*LINKS, GOOD), {"link_refused", "device_refused", "ok"}),
    Case("tar climbing names", tar_of(*CLIMBING, GOOD), {"ok"}),
    Case("tar pax path climbs", tar_of(pax(path="../../x.wav"), GOOD), {"ok"}),
    Case("tar pax path with NUL", tar_of(pax(path="x\0/../y.wav"), GOOD), {"ok"}),
    Case(
        "tar ends within a member",
        tar_of(GOOD, member("b.wav", wav())[:900], end=b""),
        {"ok", "item_unreadable", "source_cut_off"},
    ),
    Case("tar ends within a header", tar_of(GOOD, GOOD[:100], end=b""), {"ok", "source_cut_off"}),
    Case("tar without an end mark", tar_of(GOOD, end=b""), {"ok", "source_cut_off"}),
    Case("tar damaged header", tar_of(GOOD, b"\x55" * 512, GOOD), {"ok", "source_cut_off"}),
    Case("tar negative size", tar_of(GOOD, header("n.wav", size=b"\xff" * 12)), {"ok", "source_cut_off"}),
    Case(
        "tar size of an exabyte",
        tar_of(GOOD, header("n.wav", size=b"\x80" + b"\0" * 3 + b"\x10" + b"\0" * 7)),
        {"ok", "source_cut_off"},
    ),
    Case(
        "tar size of a terabyte",
        tar_of(GOOD, header("n.wav", size=b"\x80" + b"\0" * 5 + b"\x01" + b"\0" * 5)),
        {"ok", "item_too_large", "source_cut_off"},
    ),
    Case(
        "tar pax header of 4 GiB",
        tar_of(GOOD, header("p", size=b"37777777777", kind=b"x")),
        {"ok", "source_cut_off"},
    ),
    Case(
        "tar long name of 4 GiB",
        tar_of(GOOD, header("L", size=b"37777777777", kind=b"L")),
        {"ok", "source_cut_off"},
    ),
    Case("tar pax size lies", tar_of(pax(size="99999"), GOOD), {"item_unreadable", "source_cut_off"}),
    Case("tar pax size is no number", tar_of(GOOD, pax(size="-1"), GOOD), {"ok", "source_cut_off"}),
    Case(
        "tar pax records damaged",
        tar_of(GOOD, member("p", b"99999 path=x", kind=b"x"), GOOD),
        {"ok", "source_cut_off"},
    ),
    Case("tar pax header for ever", tar_of(*[pax(path="x")] * 50, GOOD, end=b""), {"ok", "source_cut_off"}),
    Case(
        "tar GNU sparse",
        tar_of(header("s.wav", size=b"00000000000", kind=b"S"), GOOD),
        {"sparse_member", "ok"},
    ),
    Case(
        "tar pax sparse",
        tar_of(pax(GNU__sparse__major="1", GNU__sparse__realsize="1" + "0" * 15), GOOD, GOOD),
        {"sparse_member", "ok"},
    ),
    Case("tar duplicate names", tar_of(GOOD, GOOD, GOOD), {"ok"}),
    Case("tar names without UTF-8", tar_of(member("x\udcff\udcfe.wav", wav()), GOOD), {"ok"}),
    Case("tar nested archives", tar_of(*nested_tars(), GOOD), {"nested_archive", "ok"}),
    Case("tar of too many members", tar_of(*[member("a.txt")] * 1_100, GOOD), {"source_cut_off"}),
    Case("gzip bomb", packed(ZEROS, gzip.compress, "tar.gz"), {"bomb", "ok"}),
    Case("zstd bomb", packed(ZEROS, zstandard.compress, "tar.zst"), {"bomb", "ok"}),
    Case("bzip2 bomb", packed(ZEROS, bz2.compress, "tar.bz2"), {"bomb", "ok"}),
    Case("xz bomb", packed(ZEROS, lzma.compress, "tar.xz"), {"bomb", "ok"}),
    Case(
        "bomb that takes too long to go past",
        packed(tar_of(member("zeros.wav", bytes(32 << 20)), GOOD), zstandard.compress, "tar.zst"),
        {"bomb", "source_cut_off"},
    ),
    Case(
        "zeros for ever after a tar",
        packed(tar_of(GOOD, end=bytes(32 << 20)), bz2.compress, "tar.bz2"),
        {"ok", "source_cut_off"},
    ),
    Case("tar after tar", tar_of(GOOD, END, member("b.wav", wav(1)), END, GOOD), {"ok"}),
    Case("noise after a tar", tar_of(GOOD, END, bytes(range(1, 256)) * 8, end=b""), {"ok", "source_cut_off"}),
    Case("a few bytes after a tar", tar_of(GOOD, END, b"RIFF", end=b""), {"ok", "source_cut_off"}),
    Case("zip after a tar", tar_of(GOOD, END, b"PK\x03\x04" * 512, end=b""), {"ok", "source_cut_off"}),
    Case(
        "noise after a gzip",
        packed(tar_of(GOOD), lambda data: gzip.compress(data) + bytes(range(1, 256)), "tar.gz"),
        {"ok", "source_cut_off"},
    ),
    Case(
        "noise after a bzip2",
        packed(tar_of(GOOD), lambda data: bz2.compress(data) + bytes(range(1, 256)), "tar.bz2"),
        {"ok", "source_cut_off"},
    ),
    Case(
        "noise after an xz",
        packed(tar_of(GOOD), lambda data: lzma.compress(data) + bytes(range(1, 256)), "tar.xz"),
        {"ok", "source_cut_off"},
    ),
    Case(
        "xz truncated",
        packed(tar_of(GOOD, member("b.wav", NOISE)), lambda data: lzma.compress(data)[:-500], "tar.xz"),
        {"ok", "item_unreadable", "source_cut_off"},
    ),
    Case("many pax records", tar_of(pax(**{f"k{n}": "" for n in range(4_000)}), GOOD), {"ok"}),
    Case(
        "gzip truncated",
        packed(tar_of(GOOD, member("b.wav", wav() * 9)), gzip_of_garbage, "tar.gz"),
        {"item_unreadable", "source_cut_off"},
    ),
    Case("gzip of nothing", packed(tar_of(end=b""), gzip.compress, "tar.gz"), {"unknown_format"}),
    Case(
        "gzip of gzip",
        packed(packed(tar_of(GOOD), gzip.compress, "x"), gzip.compress, "tar.gz"),
        {"unknown_format"},
    ),
    Case("zstd garbage", tar_of(b"\x28\xb5\x2f\xfd" + b"\xff" * 4096, name="g.tar.zst"), {"unknown_format"}),
    Case("empty file", tar_of(end=b""), {"unknown_format"}),
    Case("empty tar", tar_of(), {"unknown_format"}),
)
