"""Uploaded archives can have every packing that a scan reads."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from earwitness.api.datasets.items import SourceItem
from earwitness.api.datasets.open_source import open_source
from earwitness.api.http.jobs.job_worker import packing_of_upload
from tests.contract.packings import clip

PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
    "tar.zst": zstandard.compress,
}


@pytest.mark.parametrize("packing", [*PACKINGS, "zip"])
def test_an_archive_is_known_by_its_bytes(packing: str, tmp_path: Path) -> None:
    """Every packing that a scan reads is read as an upload, whatever its name is."""
    held, path = io.BytesIO(), tmp_path / "upload"
    if packing == "zip":
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("a.wav", clip(1))
    else:
        with tarfile.open(fileobj=held, mode="w") as archive_file:
            member = tarfile.TarInfo("a.wav")
            member.size = len(clip(1))
            archive_file.addfile(member, io.BytesIO(clip(1)))
    path.write_bytes(PACKINGS.get(packing, bytes)(held.getvalue()))
    reader = open_source(path, reader=packing_of_upload(path))
    assert [type(item) for item in reader] == [SourceItem]
