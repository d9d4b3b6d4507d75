"""Links in a folder that a user names: followed to files and folders, refused where they lead nowhere."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from earwitness.api.datasets.access.locations import MAX_LINKED
from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.datasets.open_source import open_source
from tests.contract.packings import CLIPS, clip
from tests.unit.datasets.test_mixed_folders import CLIP_1, outcomes

FIRST = next(iter(CLIPS.values()))


def hugging_face_cache(root: Path) -> Path:
    """Make: the layout of the Hugging Face cache; returns the snapshot."""
    (root / "blobs").mkdir()
    (root / "blobs" / "0a1b").write_bytes(FIRST)
    snapshot = root / "snapshots" / "rev"
    (snapshot / "data").mkdir(parents=True)
    (snapshot / "clip.wav").symlink_to("../../blobs/0a1b")
    (snapshot / "data" / "clip.wav").symlink_to("../../../blobs/0a1b")
    return snapshot


def git_annex(root: Path) -> Path:
    """Make: the layout of git-annex; returns the work tree, of which one file was not fetched."""
    held = root / ".git/annex/objects/aa/SHA256E-1.wav/SHA256E-1.wav"
    held.parent.mkdir(parents=True)
    held.write_bytes(FIRST)
    (root / "clip.wav").symlink_to(".git/annex/objects/aa/SHA256E-1.wav/SHA256E-1.wav")
    (root / "gone.wav").symlink_to(".git/annex/objects/bb/SHA256E-2.wav/SHA256E-2.wav")
    return root


def dvc(root: Path) -> Path:
    """Make: the layout of DVC with links; returns the work tree."""
    held = root / ".dvc/cache/files/md5/ab/cdef"
    held.parent.mkdir(parents=True)
    held.write_bytes(FIRST)
    (root / "data").mkdir()
    (root / "data" / "clip.wav").symlink_to(held)
    return root


def test_the_hugging_face_cache_is_read_under_the_names_of_its_links(tmp_path: Path) -> None:
    """A snapshot is made of links to blobs: each is an item of its own name, copies too."""
    assert outcomes(hugging_face_cache(tmp_path)) == {"clip.wav": CLIP_1, "data/clip.wav": CLIP_1}


def test_git_annex_and_dvc_are_read_through_their_links(tmp_path: Path) -> None:
    """The tools' own folders are left alone; what was not fetched is not readable."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert outcomes(git_annex(tmp_path / "a")) == {"clip.wav": CLIP_1, "gone.wav": "item_missing"}
    assert outcomes(dvc(tmp_path / "b")) == {"data/clip.wav": CLIP_1}
    gone = [item for item in open_source(tmp_path / "a") if isinstance(item, Skipped)]
    assert "git annex get" in gone[0].hint


def test_a_link_that_the_user_names_keeps_its_name(tmp_path: Path) -> None:
    """A single file that is a link is called as it was named, not as the blob that it leads to."""
    items = list(open_source(hugging_face_cache(tmp_path) / "clip.wav"))
    assert [item.item_id for item in items] == ["clip.wav"]
    assert isinstance(items[0], SourceItem)
    assert items[0].file == tmp_path / "blobs" / "0a1b"


def test_links_to_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    """A folder may lie elsewhere; one that leads back to where it lies is refused, by its own name."""
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "root"
    elsewhere.mkdir()
    (elsewhere / "a.wav").write_bytes(FIRST)
    (root / "inner").mkdir(parents=True)
    (root / "data").symlink_to(elsewhere)
    (root / "inner" / "up").symlink_to(root)
    (root / "self").symlink_to(root / "self")
    (elsewhere / "back").symlink_to(root)
    found = outcomes(root)
    assert found == {
        "data/a.wav": CLIP_1, "data/back": "link_refused", "inner/up": "link_refused", "self": "link_refused",
    }  # fmt: skip


def test_a_maze_of_links_ends(tmp_path: Path) -> None:
    """Folders that are full of links to each other are gone through a bounded number of times."""
    for name in ("a", "b", "c", "d", "e", "f"):
        (tmp_path / name).mkdir()
        for other in "abcdef":
            (tmp_path / name / f"to_{other}").symlink_to(tmp_path / other)
        (tmp_path / name / "x.wav").write_bytes(clip(1))
    items = list(open_source(tmp_path))
    assert len(items) < 20 * MAX_LINKED
    assert {item.code for item in items if isinstance(item, Skipped)} == {"link_refused"}


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/proc/self/environ", "link_refused"),
        ("/proc/self/fd/0", "*"),
        ("/sys/kernel", "link_refused"),
        ("/dev/null", "link_refused"),
        ("/dev", "link_refused"),
        ("nowhere", "item_missing"),
        ("pipe", "device_refused"),
        ("a/" * 200, "*"),
        ("x" * 300, "*"),
    ],
)
def test_links_that_lead_to_no_file_are_refused(target: str, code: str, tmp_path: Path) -> None:
    """Devices, pipes, the system's folders and what is not there are not readable, and nothing is opened."""
    (tmp_path / "ok.wav").write_bytes(FIRST)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.wav").symlink_to(target)
    found = outcomes(tmp_path)
    assert found.pop("ok.wav") == CLIP_1
    assert found.pop("pipe") == "device_refused"
    assert set(found) == {"link.wav"}
    assert found["link.wav"] == code or (code == "*" and found["link.wav"] != "ok")


def test_folders_may_lie_deeper_than_calls(tmp_path: Path) -> None:
    """Depth is a matter of names, and the deepest file is found."""
    deep = tmp_path.joinpath(*["d"] * 400)
    deep.mkdir(parents=True)
    (deep / "deep.wav").write_bytes(FIRST)
    assert list(outcomes(tmp_path)) == ["d/" * 400 + "deep.wav"]


def test_links_in_an_archive_are_never_followed(tmp_path: Path) -> None:
    """What an archive links to is whatever its maker wished; it is reported."""
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        member = tarfile.TarInfo("link.wav")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    assert outcomes(tmp_path / "a.tar") == {"link.wav": "link_refused"}


OUTCOMES = (
    "import sys; from tests.unit.datasets.test_mixed_folders import *; print(outcomes(Path(sys.argv[1])))"
)


def test_what_may_not_be_read_is_reported(tmp_path: Path) -> None:
    """A file or folder without permission is not readable."""
    (tmp_path / "ok.wav").write_bytes(FIRST)
    (tmp_path / "secret").write_bytes(FIRST)
    (tmp_path / "secret").chmod(0)
    (tmp_path / "folder").mkdir(mode=0)
    command = [sys.executable, "-c", OUTCOMES, str(tmp_path)]
    if os.geteuid() == 0:  # who may read everything, unless the capabilities for it are dropped
        command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    expected = {"ok.wav": CLIP_1, "secret": "item_unreadable", "folder": "item_unreadable"}
    assert ast.literal_eval(done.stdout) == expected


def test_hidden_files_are_read(tmp_path: Path) -> None:
    """A name that begins with a dot hides nothing from a comparison."""
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / ".clip.wav").write_bytes(FIRST)
    assert outcomes(tmp_path) == {".hidden/.clip.wav": CLIP_1}
