"""Lists of known files: what they find, what they refuse, and what the shipped list holds."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.index.known_files.file_list import (
    BLOCK_PATHS,
    DIGEST_BYTES,
    PATHS_SHOWN,
    FileList,
    ListedDataset,
)
from earwitness.index.known_files.known_file_errors import FileListDamaged
from earwitness.index.known_files.known_files import KnownFiles
from earwitness.index.known_files.write_file_list import KnownFile, write_file_list

LISTS = Path(__file__).parents[3] / "benchmarks" / "lists" / "known_files.json"


def digests_of(contents: bytes, kinds: tuple[str, ...] = tuple(DIGEST_BYTES)) -> dict[str, bytes]:
    """Digests of a file's contents, by kind."""
    return {kind: hashlib.new(kind, contents).digest() for kind in kinds}


def dataset(name: str, n_files: int) -> ListedDataset:
    """A made-up dataset."""
    return ListedDataset(id=name.lower(), name=name, version="1", n_files=n_files, listed_by="a test")


def written(path: Path, *datasets: list[KnownFile]) -> Path:
    """Write a list of datasets named A, B, C …"""
    named = [(dataset(chr(65 + number), len(files)), files) for number, files in enumerate(datasets)]
    with path.open("wb") as file:
        write_file_list(file, named, notice="made up")
    return path


def hexadecimal(digests: dict[str, bytes]) -> dict[str, str]:
    """The digests as a look-up takes them."""
    return {kind: digest.hex() for kind, digest in digests.items()}


@given(
    contents=st.lists(st.lists(st.binary(max_size=2), max_size=12), min_size=1, max_size=3),
    others=st.lists(st.binary(max_size=3), max_size=5),
)
def test_a_file_is_found_by_its_bytes_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[bytes]], others: list[bytes]
) -> None:
    """A look-up gives exactly the datasets and the paths of the files with the same bytes."""
    files = [
        [
            KnownFile(path=f"{number}/ä {row}", digests=digests_of(each, ("md5", "sha1")))
            for row, each in enumerate(of_dataset)
        ]
        for number, of_dataset in enumerate(contents)
    ]
    path = written(tmp_path_factory.mktemp("lists") / "a.files", *files)
    known = KnownFiles.open([path])
    for each in [*(one for of_dataset in contents for one in of_dataset), *others]:
        expected = {
            chr(97 + number): [f"{number}/ä {row}" for row, one in enumerate(of_dataset) if one == each]
            for number, of_dataset in enumerate(contents)
            if each in of_dataset
        }
        for kinds in (("md5",), ("sha1",), ("md5", "sha1", "sha256")):
            found = known.find(hexadecimal(digests_of(each, kinds)))
            assert {one.dataset.id: one.n_paths for one in found} == {
                name: len(paths) for name, paths in expected.items()
            }
            assert {one.dataset.id: list(one.paths) for one in found} == {
                name: paths[:PATHS_SHOWN] for name, paths in expected.items()
            }


def test_digests_that_end_with_zeros_are_found(tmp_path: Path) -> None:
    """A digest is compared to its last byte, also where that is zero."""
    ending = [bytes(16), b"\1" + bytes(15), b"\1" * 15 + b"\0", b"\1" * 16]
    files = [KnownFile(path=digest.hex(), digests={"md5": digest}) for digest in ending]
    known = KnownFiles.open([written(tmp_path / "a.files", files)])
    for digest in ending:
        (found,) = known.find({"md5": digest.hex()})
        assert found.paths == (digest.hex(),)


def test_paths_of_many_blocks_belong_to_their_files(tmp_path: Path) -> None:
    """Every path is the one that was written with the digest, whichever block it is in."""
    files = [
        KnownFile(path=f"p{number}", digests=digests_of(b"%d" % number)) for number in range(3 * BLOCK_PATHS)
    ]
    known = KnownFiles.open([written(tmp_path / "a.files", files[:100], files[100:])])
    for number in (0, 99, 100, BLOCK_PATHS - 1, BLOCK_PATHS, 3 * BLOCK_PATHS - 1):
        (found,) = known.find(hexadecimal(files[number].digests))  # type: ignore[arg-type]
        assert (found.paths, found.dataset.name) == ((f"p{number}",), "A" if number < 100 else "B")
        assert found.digest == "sha256"


def test_several_lists_answer_as_one(tmp_path: Path) -> None:
    """A file that two lists hold is found in both."""
    one = written(tmp_path / "one.files", [KnownFile(path="a", digests=digests_of(b"x", ("md5",)))])
    two = written(tmp_path / "two.files", [KnownFile(path="b", digests=digests_of(b"x", ("sha1",)))])
    known = KnownFiles.open([one, two])
    assert known.digests == {"md5", "sha1"}
    found = known.find(hexadecimal(digests_of(b"x")))
    assert [(each.digest, each.paths) for each in found] == [("md5", ("a",)), ("sha1", ("b",))]
    assert known.find(hexadecimal(digests_of(b"y"))) == ()


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    """A list does not depend on when or where it is written."""
    files = [KnownFile(path="a", digests=digests_of(b"x"))]
    assert written(tmp_path / "a", files).read_bytes() == written(tmp_path / "b", files).read_bytes()


def test_a_changed_byte_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    """Whichever byte of a list changes, it is refused by name, or still holds the same digests and paths."""
    files = [KnownFile(path=f"path {n}", digests=digests_of(b"%d" % n)) for n in range(20)]
    path = written(tmp_path / "a.files", files)
    whole, before = path.read_bytes(), list(FileList(path).entries("md5"))
    random_ = random.Random(5)
    refused = 0
    for position in random_.sample(range(len(whole)), 300):
        changed = bytearray(whole)
        changed[position] ^= 1 << random_.randrange(8)
        path.write_bytes(changed)
        try:
            assert list(FileList(path).entries("md5")) == before
        except FileListDamaged as error:
            assert str(path) in error.message
            refused += 1
    assert refused > 200


@pytest.mark.parametrize("length", [0, 10, 1000])
def test_a_list_that_is_cut_off_is_refused(tmp_path: Path, length: int) -> None:
    """A list that lost its end is damaged, not empty."""
    path = written(tmp_path / "a.files", [KnownFile(path="a", digests=digests_of(b"x"))])
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(FileListDamaged, match=r"a\.files"):
        FileList(path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """A list in a format that is not known is refused with the name of the format."""
    path = written(tmp_path / "a.files", [KnownFile(path="a", digests=digests_of(b"x"))])
    changed = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(changed, "w") as copy:
        for name in archive.namelist():
            contents = archive.read(name)
            copy.writestr(name, contents.replace(b"earwitness.files/1", b"earwitness.files/9"))
    path.write_bytes(changed.getvalue())
    with pytest.raises(FileListDamaged, match=r"earwitness\.files/9"):
        FileList(path)


@pytest.fixture(scope="module")
def shipped() -> KnownFiles:
    """The list that the package ships."""
    return KnownFiles.open()


@pytest.fixture(scope="module")
def shipped_paths() -> dict[bytes, list[tuple[str, str]]]:
    """Dataset and path of every file of the shipped list, by MD5."""
    from earwitness.index.known_files.known_files import PUBLISHED

    paths = defaultdict(list)
    for digest, listed, path in FileList(PUBLISHED).entries("md5"):
        paths[digest].append((listed.id, path))
    return paths


def test_the_shipped_list_holds_what_its_sources_name(shipped: KnownFiles) -> None:
    """Datasets and versions are those of the list that it was made from."""
    named = {
        (each["id"], each["version"])
        for package in json.loads(LISTS.read_text("utf-8"))["packages"]
        for each in package["datasets"]
    }
    assert {(each.id, each.version) for each in shipped.datasets} == named
    assert len({each.id for each in shipped.datasets}) == len(shipped.datasets)
    assert shipped.digests == {"md5"}


@pytest.mark.parametrize(
    ("title", "name", "path", "n_files"),
    [
        ("FSD50K", "fsd50k", "FSD50K.dev_audio/64760.wav", 51_197),
        ("GTZAN", "gtzan", "gtzan_genre/genres/blues/blues.00000.wav", 1_000),
    ],
)
def test_the_shipped_list_knows_published_files(
    shipped: KnownFiles,
    shipped_paths: dict[bytes, list[tuple[str, str]]],
    title: str,
    name: str,
    path: str,
    n_files: int,
) -> None:
    """A file of a dataset is found by its MD5, with its path and the number of files listed."""
    digest = next(digest for digest, places in shipped_paths.items() if (name, path) in places)
    found = {each.dataset.id: each for each in shipped.find({"md5": digest.hex()})}
    assert path in found[name].paths
    assert (found[name].dataset.name, found[name].dataset.n_files) == (title, n_files)


def test_the_shipped_list_shows_copies_in_and_between_datasets(
    shipped_paths: dict[bytes, list[tuple[str, str]]],
) -> None:
    """The known copies in GTZAN, MTG-Jamendo and Clotho, and between FSD50K and FSDnoisy18k, are listed."""
    groups, shared = Counter[str](), 0
    for places in shipped_paths.values():
        here = Counter(name for name, _ in places)
        groups.update(name for name, n_copies in here.items() if n_copies > 1)
        shared += {"fsd50k", "fsdnoisy18k"} <= here.keys()
    assert (groups["gtzan"], groups["mtg_jamendo_moodtheme"], shared) == (14, 117, 2_718)
    clotho = [
        sorted(Path(path).name for name, path in places if name == "clotho_captioning")
        for places in shipped_paths.values()
    ]
    assert [names for names in clotho if len(names) > 1] == [["freezer open_close.wav", "test_0816.wav"]]
