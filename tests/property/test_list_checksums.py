"""The checksum of a list of names covers every byte of its file, wherever a read begins or ends."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.index.names import list_digest


@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(70, 90))
def test_the_checksum_is_that_of_the_file_with_zeros_in_its_place(
    before: bytes, after: bytes, chunk: int
) -> None:
    """All bytes at once give the same, whatever the size of a read is."""
    text = list_digest.placeholder()
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory() as folder:
        patched.setattr(list_digest, "_CHUNK_BYTES", chunk)
        path = Path(folder) / "list"
        path.write_bytes(before + text.encode() + after)
        list_digest.seal(path, text)
        expected = hashlib.sha256(before + bytes(len(text)) + after).hexdigest()
        assert path.read_bytes() == before + expected.encode() + after
