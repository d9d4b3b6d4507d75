"""A process that may open no further file."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from earwitness.index.library import Library
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.store_errors import TooManyOpenFiles
from earwitness.index.writer import Writer
from tests.contract.small_store import CODEC, DATASET, some_item


def test_too_many_open_files_are_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is built again where the system opens no further file; the error says what to raise."""
    home = HomeAddress(tmp_path / "home")
    with Writer.open(home, codec=CODEC) as writer:
        writer.add(writer.collection(DATASET, "scraped"), [some_item(1)])
        writer.publish()
    (shard,) = home.shard_folder.iterdir()
    opened = Path.open

    def open_all_but_shards(path: Path, *args: Any, **named: Any) -> Any:
        if path == shard:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return opened(path, *args, **named)

    monkeypatch.setattr(Path, "open", open_all_but_shards)
    with pytest.raises(TooManyOpenFiles) as raised:
        Library.open(home, codec=CODEC)
    assert "ulimit" in raised.value.hint
    monkeypatch.undo()
    assert list(home.shard_folder.iterdir()) == [shard]
    Library.open(home, codec=CODEC).close()
