"""Ids of items of several sources: they differ."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.datasets.gather_sources import distinct_names, gather_sources
from earwitness.api.datasets.items import SourceLimits

SOUND = Path(__file__).parents[3] / "sample_audio" / "originals" / "tin_parade.mp3"
names = st.sampled_from(["a", "b", "x.mp3"])


@given(st.lists(st.lists(names, min_size=1, max_size=4).map("/".join), min_size=1, max_size=5, unique=True))
def test_names_tell_sources_apart(sources: list[str]) -> None:
    """Each name is an end of its path, no two are alike, and a name that is unlike others is short."""
    named = distinct_names(sources)
    assert len(set(named.values())) == len(sources)
    for source in sources:
        assert f"/{Path(source).absolute()}".endswith(f"/{named[source].lstrip('/')}")
        if sum(Path(each).name == Path(source).name for each in sources) == 1:
            assert named[source] == Path(source).name


@pytest.mark.parametrize(
    ("given_", "ids"),
    [
        (["a/x.mp3"], ["x.mp3"]),
        (["a/x.mp3", "b/x.mp3"], ["a/x.mp3", "b/x.mp3"]),
        (["a/x.mp3", "b/y.mp3"], ["x.mp3", "y.mp3"]),
        (["a", "b"], ["a/x.mp3", "b/x.mp3", "b/y.mp3"]),
        (["b", "b/x.mp3"], ["b/x.mp3", "b/y.mp3", "x.mp3"]),
        (["a"], ["x.mp3"]),
    ],
)
def test_items_of_several_paths_have_ids_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given_: list[str], ids: list[str]
) -> None:
    """Files of one name in different folders, and folders with files of one name, get different ids."""
    for name in ("a/x.mp3", "b/x.mp3", "b/y.mp3"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(SOUND, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    items = list(gather_sources(given_, limits=SourceLimits()))
    assert [item.item_id for item in items] == ids
    assert [item.path for item in items] == ids
