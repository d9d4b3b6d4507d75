"""Names that collections may have."""

from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.index.database.records import WORKS, CollectionKind
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.store_errors import NameReserved
from earwitness.index.writer import Writer


@pytest.mark.parametrize("name", ["works", "Works", " works "])
def test_no_dataset_is_called_as_the_registry_is(tmp_path: Path, name: str) -> None:
    """The registry's name is refused with a hint; names that contain it are accepted."""
    with Writer.open(HomeAddress(tmp_path)) as writer:
        with pytest.raises(NameReserved) as refused:
            writer.collection(CollectionKind.DATASET, name)
        assert refused.value.hint
        assert writer.collection(CollectionKind.DATASET, "my works") > 0
        assert writer.collection(CollectionKind.WORKS) > 0


def test_a_home_that_has_such_a_dataset_still_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older program let through stays readable, and can still be added to."""
    with Writer.open(HomeAddress(tmp_path)) as writer:
        monkeypatch.setattr("earwitness.index.writer.WORKS", "something else")
        known = writer.collection(CollectionKind.DATASET, WORKS)
        monkeypatch.undo()
    with Writer.open(HomeAddress(tmp_path)) as writer:
        assert writer.collection(CollectionKind.DATASET, WORKS) == known
