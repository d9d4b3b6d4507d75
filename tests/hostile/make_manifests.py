"""Hostile manifests, CUE sheets, Croissant, Kaldi, Lhotse and folders."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from pathlib import Path

from tests.hostile.case import Case, wav
from tests.hostile.make_archives import Build


def text(name: str, content: str | bytes) -> Build:
    """Make a file beside one good clip; ``{root}`` in the content is its folder."""

    def build(root: Path) -> Path:
        (root / "ok.wav").write_bytes(wav())
        data = content.encode() if isinstance(content, str) else content
        (root / name).write_bytes(data.replace(b"{root}", str(root).encode()))
        return root / name

    return build


def jsonl(name: str, *entries: object) -> Build:
    """Make a file of JSON lines."""
    return text(name, "".join(json.dumps(entry) + "\n" for entry in entries))


def lhotse(kind: str, source: str, **more: object) -> dict[str, object]:
    """A Lhotse recording with this source."""
    sources = [{"type": kind, "channels": [0], "source": source}]
    return {
        "id": source[:20],
        "sources": sources,
        "sampling_rate": 8000,
        "num_samples": 1,
        "duration": 1.0,
    } | more


def csv_leading_everywhere(root: Path) -> Path:
    """Make: csv leading everywhere."""
    (root / "in").mkdir()
    (root / "secret.wav").write_bytes(wav(1))
    (root / "in" / "ok.wav").write_bytes(wav())
    (root / "in" / "out.wav").symlink_to(root / "secret.wav")
    (root / "in" / "up").symlink_to(root)
    (root / "in" / "within.wav").symlink_to("ok.wav")
    (root / "in" / "loop.wav").symlink_to("loop.wav")
    os.mkfifo(root / "in" / "pipe.wav")
    paths = [
        "ok.wav",
        "within.wav",
        "../secret.wav",
        "/dev/zero",
        "out.wav",
        "up/secret.wav",
        "loop.wav",
        "pipe.wav",
        "gone.wav",
        ".",
    ]
    (root / "in" / "list.csv").write_text("id,path\n" + "".join(f"{n},{p}\n" for n, p in enumerate(paths)))
    return root / "in" / "list.csv"


def folder_of_everything(root: Path) -> Path:
    """Make: folder of everything."""
    (root / "ok.wav").write_bytes(wav())
    (root / "link.wav").symlink_to("/etc/passwd")
    (root / "up").symlink_to(root)
    os.mkfifo(root / "pipe.wav")
    with zipfile.ZipFile(root / "in.zip", "w") as archive:
        archive.writestr("a.wav", wav())
    (root / os.fsdecode(b"x\xff\xfe\n\x1b[31m.wav")).write_bytes(wav(2))
    (root / "rtl\u202egpj.wav").write_bytes(wav(3))
    return root


def folder_of_notes(root: Path) -> Path:
    """Make: folder of notes."""
    (root / "README.txt").write_text("nothing to hear")
    return root


def _sheet(*files: str) -> str:
    """A CUE sheet of one track a file."""
    tracks = (f'FILE "{name}" WAVE\n TRACK 1 AUDIO\n  INDEX 01 00:00:00\n' for name in files)
    return "".join(tracks)


FORMULA = '=HYPERLINK("http://x","y")'
PIPES = "a cat /etc/passwd |\nb touch {root}/RAN |\nc |touch {root}/RAN\nd pipe:touch {root}/RAN\ne ok.wav\n"
DEEP = '{"path": ' + "[" * 30_000 + "]" * 30_000 + "}\n"

CROISSANT = {
    "@context": {"cr": "http://mlcommons.org/croissant/"},
    "conformsTo": "http://mlcommons.org/croissant/1.0",
    "distribution": [
        {"@type": "cr:FileObject", "@id": "a", "contentUrl": "../../../etc/passwd"},
        {"@type": "cr:FileObject", "@id": "b", "contentUrl": "http://127.0.0.1:1/x.wav"},
        {"@type": "cr:FileObject", "@id": "c", "contentUrl": "pipe:touch RAN"},
        {"@type": "cr:FileObject", "@id": "d", "contentUrl": "croissant.json"},
        {"@type": "cr:FileObject", "@id": "e", "contentUrl": "ok.wav"},
    ],
}

MANIFESTS: tuple[Case, ...] = (
    Case(
        "folder of everything",
        folder_of_everything,
        {"ok", "link_refused", "device_refused"},
    ),
    Case("folder without audio", folder_of_notes, {"no_audio_here"}),
    Case("nothing there", lambda root: root / "gone", {"source_not_found"}),
    Case("NUL in the source", lambda root: f"{root}/a\0b", {"source_not_found"}),
    Case("a device as the source", lambda root: "/dev/zero", {"device_refused"}),
    Case("unknown reader", folder_of_everything, {"unknown_reader"}, {"reader": "pickle"}),
    Case(
        "csv leading everywhere",
        csv_leading_everywhere,
        {"ok", "path_escapes", "link_refused", "device_refused", "item_missing"},
    ),
    Case(
        "csv NUL and formula",
        text(
            "l.csv",
            "id,path\n"
            + "y,ok.wav\n" * 99
            + f"a\0b,ok.wav\n{FORMULA!r},ok.wav\n{FORMULA},ok.wav\nz,ok.wav\n",
        ),
        {"bad_entry", "item_missing", "ok"},
    ),
    Case("csv damaged header", text("l.csv", "id,\rpath\n1,ok.wav\n"), {"source_cut_off"}),
    Case(
        "csv huge field", text("l.csv", "id,path\n1," + "x" * 200_000 + "\n2,ok.wav\n"), {"bad_entry", "ok"}
    ),
    Case(
        "csv unclosed quote",
        # longer than the largest field of Python's csv module and than the cap of a line
        text("l.csv", 'id,path\n1,ok.wav\n2,"' + ("./" * 120 + "ok.wav\n") * 1_200),
        {"ok"},
    ),
    Case(
        "csv commands",
        text(
            "l.csv", "id,path\n1,|touch {root}/RAN\n2,touch {root}/RAN |\n3,$(touch {root}/RAN)\n4,ok.wav\n"
        ),
        {"command_refused", "ok"},
    ),
    Case(
        "csv URLs",
        text("l.csv", "id,url\n1,http://127.0.0.1:1/a.wav\n2,file:///etc/passwd\n3,ftp://x/a.wav\n"),
        {"remote_refused", "path_escapes"},
    ),
    Case(
        "csv private URLs",
        text(
            "l.csv",
            "id,url\n1,http://127.0.0.1:1/a.wav\n2,http://[::1]:1/a.wav\n3,http://169.254.169.254/latest/meta-data/a.wav\n",
        ),
        {"address_refused"},
        {"allow_remote": True},
    ),
    Case(
        "csv without UTF-8", text("l.csv", b"id,path\n\xff\xfe,ok.wav\n2,\xff.wav\n"), {"ok", "item_missing"}
    ),
    Case("jsonl too deep", text("l.jsonl", DEEP + '{"path": "ok.wav"}\n'), {"bad_entry", "ok"}),
    Case(
        "jsonl huge numbers",
        text(
            "l.jsonl",
            '{"path": ' + "9" * 9_000 + '}\n{"path": "ok.wav", "start": 1e999}\n{"path": "ok.wav"}\n',
        ),
        {"bad_entry", "ok"},
    ),
    Case(
        "jsonl of other things",
        text("l.jsonl", '{"path": 7}\n[]\n"x"\nnull\n{}\n{"path": "ok.wav"}\n'),
        {"bad_entry", "item_missing", "ok"},
    ),
    Case(
        "jsonl endless line",
        text("l.jsonl", '{"path": "ok.wav"}\n{"x": "' + "y" * 900_000),
        {"bad_entry", "ok"},
    ),
    Case(
        "cue climbs and pipes",
        text(
            "l.cue", _sheet("../secret.wav", "/etc/passwd", "touch {root}/RAN |", "http://x/a.wav", "ok.wav")
        ),
        {"path_escapes", "command_refused", "remote_refused", "ok"},
    ),
    Case(
        "cue endless name",
        text("l.cue", _sheet("ok.wav") + 'FILE "' + "x" * 900_000 + '" WAVE\n' + _sheet("y" * 5_000)),
        {"ok", "bad_entry"},
    ),
    Case(
        "cue of bytes",
        text("l.cue", _sheet("ok.wav").encode() + b"\0\xff\x1b[31m \xfe\n"),
        {"ok", "bad_entry"},
    ),
    Case("kaldi pipes", text("wav.scp", PIPES), {"command_refused", "ok"}),
    Case(
        "kaldi climbs",
        text("wav.scp", "a ../../../etc/x.wav\nb /dev/zero.wav\nc ok.wav\nd\n"),
        {"path_escapes", "bad_entry", "ok"},
    ),
    Case(
        "lhotse commands",
        jsonl("r.jsonl", lhotse("command", "touch RAN"), lhotse("file", "ok.wav")),
        {"command_refused", "ok"},
    ),
    Case(
        "lhotse pipe in a file",
        jsonl("r.jsonl", lhotse("file", "touch RAN |"), lhotse("memory", "AAAA")),
        {"command_refused", "bad_entry"},
    ),
    Case(
        "lhotse climbs",
        jsonl("r.jsonl", lhotse("file", "../../../../etc/passwd"), lhotse("url", "http://127.0.0.1/x")),
        {"path_escapes", "remote_refused"},
    ),
    Case(
        "lhotse packed bomb",
        text(
            "r.jsonl.gz",
            gzip.compress(json.dumps(lhotse("file", "ok.wav")).encode() + b"\n" + b" " * (8 << 20)),
        ),
        {"ok", "source_cut_off"},
    ),
    Case(
        "croissant of lies",
        text("croissant.json", json.dumps(CROISSANT)),
        {"path_escapes", "remote_refused", "command_refused", "unknown_format", "ok"},
    ),
    Case(
        "croissant of nothing",
        text("croissant.json", json.dumps(CROISSANT | {"distribution": [7, None, "x"]})),
        {"source_broken"},
    ),
    Case("text called mp3", text("notes.mp3", "this is no music"), {"ok"}),
    Case("html page", text("page.html", "<html><body>a, b</body></html>\n"), {"unknown_format"}),
    Case("a pickle", text("data.pkl", b"\x80\x04\x95\x10\x00cos\nsystem\n"), {"unknown_format"}),
)
