"""Hostile tars: bombs, lies, links, devices, damage, and names that lead elsewhere."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import zstandard

from tests.hostile.case import Case, wav

Build: TypeAlias = Callable[[Path], Path]


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
