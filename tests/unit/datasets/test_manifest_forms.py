"""Every usual form of a manifest is read, and can be written again without some of its entries."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from earwitness.api.datasets.items import Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.write_clean_manifest import write_clean
from tests.contract.packings import clip
from tests.unit.datasets.open_in_process import open_source

N = 3


def clips(folder: Path, *, below: str = "clips", ending: str = ".wav") -> list[str]:
    """Make three files and give their paths."""
    (folder / below).mkdir(exist_ok=True, parents=True)
    names = [f"take_{n}{ending}" for n in range(N)]
    for n, name in enumerate(names):
        (folder / below / name).write_bytes(clip(n))
    return [f"{below}/{name}" if below else name for name in names]


def read(source: Path, **options: object) -> list[bytes]:
    """The bytes of every item, each of which can be read."""
    audio = []
    for item in open_source(source, **options):  # type: ignore[arg-type]
        assert isinstance(item, SourceItem), item
        assert item.open is not None, item
        with item.open() as stream:
            audio.append(stream.read())
    return audio


ALL_CLIPS = [clip(n) for n in range(N)]


def table(mark: str, header: str | None = "path", more: str = "some text") -> Callable[[list[str]], str]:
    """Rows of a path and a text."""

    def text(paths: list[str]) -> str:
        head = [f"{header}{mark}title"] if header is not None else []
        return "\n".join([*head, *(f"{path}{mark}{more} {n}" for n, path in enumerate(paths))]) + "\n"

    return text


def entries(paths: list[str]) -> list[dict[str, str]]:
    """JSON entries."""
    return [{"path": path} for path in paths]


FORMS: dict[str, tuple[str, Callable[[list[str]], str]]] = {
    "comma": ("l.csv", table(",")),
    "semicolon": ("l.csv", table(";")),
    "bar": ("l.csv", table("|")),
    "tab": ("l.tsv", table("\t")),
    "tab called csv": ("l.csv", table("\t")),
    "comma called txt": ("l.txt", table(",")),
    "no header": ("l.csv", table(",", None)),
    "no header, tabs": ("l.tsv", table("\t", None)),
    "no header, bars": ("l.txt", table("|", None)),
    "no header, path last": (
        "l.csv",
        lambda paths: "".join(f"{n},words,{path}\n" for n, path in enumerate(paths)),
    ),
    "one column": ("l.csv", lambda paths: "path\n" + "\n".join(paths)),
    "one column without header": ("l.csv", lambda paths: "\n".join(paths) + "\n"),
    "paths": ("l.txt", lambda paths: "\n".join(paths) + "\n"),
    "paths and comments": ("l.txt", lambda paths: "# my list\n\n" + "\n\n".join(paths)),
    "quoted": ("l.csv", lambda paths: "path,n\n" + "".join(f'"{path}",1\n' for path in paths)),
    "blank lines first": ("l.csv", lambda paths: "\n\n" + table(",")(paths)),
    "blank lines amid": ("l.csv", lambda paths: table(",")(paths).replace("\n", "\n\n")),
    "Windows": ("l.csv", lambda paths: table(",")(paths).replace("\n", "\r\n")),
    "backslashes": ("l.csv", lambda paths: table(",")([path.replace("/", "\\") for path in paths])),
    "dot slash": ("l.csv", lambda paths: table(",")([f"./{path}" for path in paths])),
    "a header behind a mark": ("l.csv", lambda paths: "#" + table(",")(paths)),
    "M3U": ("l.m3u", lambda paths: "#EXTM3U\n" + "\n".join(paths) + "\n"),
    "M3U with titles": (
        "l.m3u8",
        lambda paths: "#EXTM3U\n" + "".join(f"#EXTINF:12,A - B\n{path}\n" for path in paths),
    ),
    "PLS": (
        "l.pls",
        lambda paths: (
            "[playlist]\n"
            + "".join(f"File{n}={path}\nTitle{n}=x\n" for n, path in enumerate(paths, 1))
            + f"NumberOfEntries={N}\nVersion=2\n"
        ),
    ),
    "JSON lines": ("l.jsonl", lambda paths: "".join(json.dumps(e) + "\n" for e in entries(paths))),
    "JSON lines after a blank one": (
        "l.jsonl",
        lambda paths: "\n" + "".join(json.dumps(e) + "\n" for e in entries(paths)),
    ),
    "JSON lines of NeMo": (
        "l.json",
        lambda paths: "".join(json.dumps({"audio_filepath": p, "duration": 1.0}) + "\n" for p in paths),
    ),
    "JSON lines of objects": (
        "l.jsonl",
        lambda paths: "".join(json.dumps({"audio": {"path": p, "bytes": None}}) + "\n" for p in paths),
    ),
    "JSON array": ("l.json", lambda paths: json.dumps(entries(paths))),
    "JSON array over lines": ("l.json", lambda paths: json.dumps(entries(paths), indent=2)),
    "JSON array of paths": ("l.json", lambda paths: json.dumps(paths)),
    "JSON under data": ("l.json", lambda paths: json.dumps({"version": 1, "data": entries(paths)})),
    "JSON under data over lines": (
        "l.json",
        lambda paths: json.dumps({"version": 1, "data": entries(paths)}, indent=1),
    ),
    "JSON nested": ("l.json", lambda paths: json.dumps({"dataset": {"items": entries(paths)}})),
    "JSON by name": (
        "l.json",
        lambda paths: json.dumps({f"u{n}": {"path": path} for n, path in enumerate(paths)}),
    ),
    "JSON of columns": ("l.json", lambda paths: json.dumps({"path": paths, "n": list(range(N))})),
    "JSON of a data frame": (
        "l.json",
        lambda paths: json.dumps(
            {
                "path": {str(n): path for n, path in enumerate(paths)},
                "n": {str(n): n for n in range(N)},
            }
        ),
    ),
    "Kaldi": ("wav.scp", lambda paths: "".join(f"u{n} {path}\n" for n, path in enumerate(paths))),
}
HEADERS = (
    "path", "Path", "PATH", "audio", "Audio File", "audio_filepath", "audio-path", "file_name", "FileName",
    "filename", "wav_filename", "wav", "location", "relative_path", "local_path", "mp3_path", "track_path",
    "src", "audioPath",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_usual_form_is_recognised_and_read(form: str, tmp_path: Path) -> None:
    """Each form gives the same three recordings, with no option."""
    name, text = FORMS[form]
    (tmp_path / name).write_text(text(clips(tmp_path)), newline="")
    reader = open_source(tmp_path / name)
    assert read(tmp_path / name) == ALL_CLIPS
    assert reader.total == N


@pytest.mark.parametrize("form", FORMS)
def test_every_form_can_be_written_without_an_entry(form: str, tmp_path: Path) -> None:
    """A clean manifest is read again, and gives the recordings that stay."""
    name, text = FORMS[form]
    (tmp_path / name).write_text(text(clips(tmp_path)), newline="")
    reader = open_source(tmp_path / name)
    second = [item.item_id for item in reader][1]
    cleaned = write_clean(reader, {second}, tmp_path / f"clean_{name}")
    assert (cleaned.n_kept, cleaned.n_left_out) == (2, 1)
    assert read(tmp_path / f"clean_{name}") == [ALL_CLIPS[0], ALL_CLIPS[2]]


@pytest.mark.parametrize("header", HEADERS)
def test_a_column_of_any_usual_name_is_found(header: str, tmp_path: Path) -> None:
    """Names of columns are compared without case, blanks and hyphens."""
    (tmp_path / "l.csv").write_text(table(",", header)(clips(tmp_path)))
    assert read(tmp_path / "l.csv") == ALL_CLIPS


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"]
)
@pytest.mark.parametrize("form", ["comma", "tab", "paths", "JSON lines", "JSON array", "M3U", "Kaldi"])
def test_any_usual_encoding_is_read(encoding: str, form: str, tmp_path: Path) -> None:
    """With a byte order mark or without, in one, two or four bytes a character."""
    name, text = FORMS[form]
    (tmp_path / name).write_bytes(text(clips(tmp_path)).encode(encoding))
    assert read(tmp_path / name) == ALL_CLIPS


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.compress,
}


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("form", ["comma", "tab", "semicolon", "paths", "JSON lines", "JSON array", "M3U"])
def test_a_packed_list_is_unpacked_and_written_packed(packing: str, form: str, tmp_path: Path) -> None:
    """A compressed manifest is read; its clean manifest is compressed where its file name ends so."""
    name, text = FORMS[form]
    source = tmp_path / f"{name}.{packing}"
    source.write_bytes(PACKERS[packing](text(clips(tmp_path)).encode()))
    assert read(source) == ALL_CLIPS
    reader = open_source(source)
    first = next(iter(reader))
    clean = tmp_path / f"clean_{name}.{packing}"
    write_clean(reader, {first.item_id}, clean)
    assert clean.read_bytes()[:2] == source.read_bytes()[:2]
    assert read(clean) == ALL_CLIPS[1:]


@pytest.mark.parametrize("below", ["", "clips", "wavs", "audio", "data", "mp3"])
@pytest.mark.parametrize("with_suffix", [True, False])
def test_audio_is_found_in_the_usual_folders(below: str, with_suffix: bool, tmp_path: Path) -> None:
    """Common Voice writes paths below `clips`, LJSpeech names without folder and suffix."""
    names = [Path(path).name for path in clips(tmp_path, below=below)]
    written = names if with_suffix else [Path(name).stem for name in names]
    (tmp_path / "l.csv").write_text(table(",")(written))
    assert read(tmp_path / "l.csv") == ALL_CLIPS


def test_bars_without_header_name_files_of_the_usual_folder(tmp_path: Path) -> None:
    """LJSpeech: id, text and text, with bars."""
    stems = [Path(path).stem for path in clips(tmp_path, below="wavs")]
    (tmp_path / "metadata.csv").write_text("".join(f"{stem}|In, a word|In a word\n" for stem in stems))
    assert read(tmp_path / "metadata.csv") == ALL_CLIPS


def test_a_long_array_is_read_piece_by_piece(tmp_path: Path) -> None:
    """A JSON array may be longer than what is read into memory, in one line or in many."""
    (path, *_) = clips(tmp_path)
    limits = SourceLimits(json_bytes=10_000, header_bytes=5_000)
    for indent in (None, 1):
        text = json.dumps([{"path": path, "text": "words, ]}{[\\" * 40}] * 2_000, indent=indent)
        (tmp_path / "l.json").write_text(text)
        reader = open_source(tmp_path / "l.json", limits=limits)
        assert reader.format == "json"
        assert reader.total == 2_000


def test_an_array_that_breaks_off_is_reported(tmp_path: Path) -> None:
    """Entries before the break are read, and the break is an item: the rest is not listed."""
    paths = clips(tmp_path)
    (tmp_path / "l.json").write_text(json.dumps(entries(paths))[:-20])
    items = list(open_source(tmp_path / "l.json"))
    codes = [item.code if isinstance(item, Skipped) else "ok" for item in items]
    assert codes == ["ok", "ok", "source_cut_off"]


def test_an_object_that_is_too_long_has_a_hint(tmp_path: Path) -> None:
    """An object is read into memory; the hint for a longer one names a form without a limit."""
    (path, *_) = clips(tmp_path)
    (tmp_path / "l.json").write_text(json.dumps({"data": [{"path": path}] * 2_000}))
    (item,) = open_source(tmp_path / "l.json", limits=SourceLimits(json_bytes=10_000))
    assert isinstance(item, Skipped)
    assert "JSON lines" in item.hint


# ---- where the audio is -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how", ["absolute here", "absolute there", "climbs", "relative", "file URL", "foreign"]
)
def test_the_root_that_is_named_holds_the_audio(how: str, tmp_path: Path) -> None:
    """With ``root`` relative paths are below it, and absolute paths and paths with dots may lead there."""
    (tmp_path / "lists").mkdir()
    paths = clips(tmp_path / "audio", below="a")
    written = {
        "absolute here": [str(tmp_path / "audio" / path) for path in paths],
        "absolute there": [f"/mnt/data/corpus/{path}" for path in paths],
        "climbs": [f"../audio/{path}" for path in paths],
        "relative": paths,
        "file URL": [f"file://{tmp_path}/audio/{path}" for path in paths],
        "foreign": [f"D:\\corpus\\{path}".replace("/", "\\") for path in paths],
    }[how]
    source = tmp_path / "lists" / "l.csv"
    source.write_text(table(",")(written))
    assert read(source, root=tmp_path / "audio") == ALL_CLIPS


def test_without_a_root_nothing_outside_is_read_and_the_hint_names_it(tmp_path: Path) -> None:
    """A manifest must not read any file of the machine; the hint names an option that exists."""
    (tmp_path / "lists").mkdir()
    path = clips(tmp_path / "audio")[0]
    (tmp_path / "lists" / "l.csv").write_text(
        f"path,n\n../audio/{path},1\n{tmp_path}/audio/{path},2\n/etc/passwd,3\n"
    )
    items = list(open_source(tmp_path / "lists" / "l.csv"))
    assert [item.code for item in items if isinstance(item, Skipped)] == ["path_escapes"] * 3
    assert all("--root" in item.hint for item in items if isinstance(item, Skipped))


def test_a_root_does_not_open_the_machine(tmp_path: Path) -> None:
    """A file neither below the root nor below the manifest is refused, with a root too."""
    (tmp_path / "lists").mkdir()
    path = clips(tmp_path / "audio")[0]
    (tmp_path / "secret.wav").write_bytes(clip(9))
    written = f"path,n\n{path},1\n{tmp_path}/secret.wav,2\n../secret.wav,3\n../../../../etc/passwd,4\n"
    (tmp_path / "lists" / "l.csv").write_text(written)
    items = list(open_source(tmp_path / "lists" / "l.csv", root=tmp_path / "audio"))
    codes = [item.code if isinstance(item, Skipped) else "ok" for item in items]
    assert codes == ["ok", "path_escapes", "path_escapes", "path_escapes"]


def test_two_absolute_folders_are_never_taken_for_one(tmp_path: Path) -> None:
    """Two files of one name in two absolute folders are not both the one file below the root."""
    clips(tmp_path, below="")
    (tmp_path / "l.csv").write_text("path,n\n/a/take_0.wav,1\n/b/take_1.wav,2\n")
    items = list(open_source(tmp_path / "l.csv", root=tmp_path))
    assert [isinstance(item, SourceItem) for item in items] == [True, False]


def test_an_absolute_path_below_the_manifest_needs_no_root(tmp_path: Path) -> None:
    """The manifest's own folder may hold its audio, also if the paths are absolute."""
    paths = clips(tmp_path)
    (tmp_path / "l.jsonl").write_text(
        "".join(json.dumps({"audio_filepath": str(tmp_path / p)}) + "\n" for p in paths)
    )
    assert read(tmp_path / "l.jsonl") == ALL_CLIPS


def test_kaldi_segments_may_end_at_the_end(tmp_path: Path) -> None:
    """An end of -1 is the end of the file."""
    clips(tmp_path, below="")
    (tmp_path / "wav.scp").write_text("r take_0.wav\n")
    (tmp_path / "segments").write_text("u r 0.02 -1\nv r 0.02 -1.00\nw r 0 0.05\n")
    items = [item for item in open_source(tmp_path / "wav.scp") if isinstance(item, SourceItem)]
    assert [(item.start_s, item.end_s) for item in items] == [(0.02, None), (0.02, None), (0.0, 0.05)]


def test_a_list_of_links_beside_files_of_their_ids_is_read(tmp_path: Path) -> None:
    """VGGSounder's ids name a video and a start; the file of that name is the clip."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "---g-f_I2yQ_000001.wav").write_bytes(clip(0))
    (tmp_path / "l.csv").write_text("video_id,label\n---g-f_I2yQ_000001,people\n--0PQM4-hqg_000030,water\n")
    first, second = list(open_source(tmp_path / "l.csv"))
    assert isinstance(first, SourceItem)
    assert isinstance(second, SourceItem)
    assert (first.path, first.start_s) == ("clips/---g-f_I2yQ_000001.wav", None)
    assert second.open is None
    assert second.identifiers is not None
    assert second.identifiers.youtube == "--0PQM4-hqg"


def test_links_of_the_manifests_folder_are_followed_to_files(tmp_path: Path) -> None:
    """The Hugging Face cache keeps manifest and audio as links to files of other names elsewhere."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "rev"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    (blobs / "0a1b").write_bytes(clip(0))
    (blobs / "2c3d").write_text("file_name,text\nclip.wav,a\nproc.wav,b\ngone.wav,c\n")
    (snapshot / "clip.wav").symlink_to("../../blobs/0a1b")
    (snapshot / "metadata.csv").symlink_to("../../blobs/2c3d")
    (snapshot / "proc.wav").symlink_to("/proc/self/environ")
    (snapshot / "gone.wav").symlink_to("../../blobs/none")
    items = list(open_source(snapshot / "metadata.csv"))
    codes = [item.code if isinstance(item, Skipped) else "ok" for item in items]
    assert codes == ["ok", "link_refused", "item_missing"]


@pytest.mark.parametrize(
    "name", ["a\u00a0b.wav", "\u200bx.wav", "tab\there.wav", "ü.wav", "u\u0308.wav", "%41.wav"]
)
def test_a_name_is_searched_as_written(name: str, tmp_path: Path) -> None:
    """Characters that are shown as escapes, or have two spellings, are those of the file."""
    (tmp_path / name).write_bytes(clip(0))
    (tmp_path / "l.jsonl").write_text(json.dumps({"path": name}) + "\n")
    assert read(tmp_path / "l.jsonl") == [clip(0)]
