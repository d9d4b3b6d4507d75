"""The same four clips in every packing, each made by the format's own library."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import shutil
import tarfile
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

LHOTSE = Path(__file__).parent / "lhotse"


def clip(number: int) -> bytes:
    """A wav of 0.1 s that no other number has."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        sound.writeframes(bytes((number * 37 + n * 11) % 251 for n in range(1600)))
    return file.getvalue()


CLIPS = {f"clip_{n}.wav": clip(n) for n in range(4)}
SHA256S = [hashlib.sha256(audio).hexdigest() for audio in CLIPS.values()]


def folder(root: Path) -> Path:
    """The clips as plain files, with a note beside them."""
    for name, audio in CLIPS.items():
        (root / name).write_bytes(audio)
    (root / "README.txt").write_text("four clips")
    return root


def zipped(root: Path) -> Path:
    """The clips in this packing."""
    with zipfile.ZipFile(root / "clips.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, audio in CLIPS.items():
            archive.writestr(name, audio)
    return root / "clips.zip"


def tarred(root: Path) -> Path:
    """The clips in this packing."""
    with tarfile.open(root / "clips.tar", "w") as archive:
        for name, audio in CLIPS.items():
            member = tarfile.TarInfo(name)
            member.size = len(audio)
            archive.addfile(member, io.BytesIO(audio))
    return root / "clips.tar"


def tarred_gz(root: Path) -> Path:
    """The clips in this packing."""
    (root / "clips.tar.gz").write_bytes(gzip.compress(tarred(root).read_bytes()))
    return root / "clips.tar.gz"


def tarred_bz2(root: Path) -> Path:
    """The clips in this packing."""
    (root / "clips.tar.bz2").write_bytes(bz2.compress(tarred(root).read_bytes()))
    return root / "clips.tar.bz2"


def tarred_xz(root: Path) -> Path:
    """The clips in this packing."""
    (root / "clips.tar.xz").write_bytes(lzma.compress(tarred(root).read_bytes()))
    return root / "clips.tar.xz"


def tarred_zst(root: Path) -> Path:
    """The clips in this packing."""
    (root / "clips.tar.zst").write_bytes(zstandard.compress(tarred(root).read_bytes()))
    return root / "clips.tar.zst"


def webdataset_shards(root: Path) -> Path:
    """The clips in this packing."""
    from webdataset import ShardWriter

    with ShardWriter(f"{root}/shard-%04d.tar", maxcount=2, verbose=0) as shards:
        for name, audio in CLIPS.items():
            shards.write({"__key__": name[:-4], "wav": audio, "json": {"title": name}})
    return root / "shard-{0000..0001}.tar"


def hugging_face_parquet(root: Path) -> Path:
    """The clips in this packing."""
    _hugging_face().to_parquet(root / "train.parquet")
    return root / "train.parquet"


def hugging_face_arrow(root: Path) -> Path:
    """The clips in this packing."""
    _hugging_face().save_to_disk(root / "saved", num_shards=2)
    return root / "saved"


def _hugging_face() -> Any:  # the library is not typed
    import pyarrow as pa
    from datasets import Audio, Dataset, DatasetInfo, Features, Value

    # from a table, since encoding a Python dict would ask for torchcodec
    features = Features({"audio": Audio(decode=False), "title": Value("string")})
    audio = [{"bytes": audio, "path": name} for name, audio in CLIPS.items()]
    table = pa.table({"audio": audio, "title": list(CLIPS)}, schema=features.arrow_schema)
    return Dataset(table, info=DatasetInfo(features=features))


def csv(root: Path) -> Path:
    """The clips in this packing."""
    rows = "".join(f"{n},{name}\n" for n, name in enumerate(CLIPS))
    (folder(root) / "list.csv").write_text("id,path\n" + rows)
    return root / "list.csv"


def tsv(root: Path) -> Path:
    """The clips in this packing."""
    rows = "".join(f"{n}\t{name}\n" for n, name in enumerate(CLIPS))
    (folder(root) / "list.tsv").write_text("id\tpath\n" + rows)
    return root / "list.tsv"


def jsonl(root: Path) -> Path:
    """The clips in this packing."""
    rows = "".join(json.dumps({"id": name, "audio_filepath": name}) + "\n" for name in CLIPS)
    (folder(root) / "list.jsonl").write_text(rows)
    return root / "list.jsonl"


def cue(root: Path) -> Path:
    """The clips in this packing."""
    tracks = (
        f'FILE "{name}" WAVE\n  TRACK {n:02} AUDIO\n    INDEX 01 00:00:00\n'
        for n, name in enumerate(CLIPS, 1)
    )
    (folder(root) / "clips.cue").write_text("".join(tracks))
    return root / "clips.cue"


def kaldi(root: Path) -> Path:
    """The clips in this packing."""
    (folder(root) / "wav.scp").write_text("".join(f"{name[:-4]} {name}\n" for name in CLIPS))
    return root


def lhotse_recordings(root: Path) -> Path:
    """The clips in this packing."""
    shutil.copy(LHOTSE / "recordings.jsonl.gz", folder(root))
    return root / "recordings.jsonl.gz"


def lhotse_cuts(root: Path) -> Path:
    """The clips in this packing."""
    shutil.copy(LHOTSE / "cuts.jsonl.gz", folder(root))
    return root / "cuts.jsonl.gz"


def croissant(root: Path) -> Path:
    """The clips in this packing."""
    import mlcroissant as mlc

    archive = zipped(root)
    metadata = mlc.Metadata(
        name="clips",
        url="https://example.org/clips",
        distribution=[
            mlc.FileObject(
                id="archive",
                name="archive",
                content_url="clips.zip",
                encoding_formats=["application/zip"],
                sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
            ),
            mlc.FileSet(
                id="clips",
                name="clips",
                contained_in=["archive"],
                includes=["*.wav"],
                encoding_formats=["audio/wav"],
            ),
        ],
    )
    (root / "croissant.json").write_text(json.dumps(metadata.to_json(), default=str))
    return root / "croissant.json"


def warc(root: Path) -> Path:
    """The clips in this packing."""
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    with (root / "crawl.warc.gz").open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        page = {"https://example.org/": (b"<html>clips</html>", "text/html")}
        sounds = {f"https://example.org/{name}": (audio, "audio/wav") for name, audio in CLIPS.items()}
        for url, (content, kind) in (page | sounds).items():
            headers = StatusAndHeaders("200 OK", [("Content-Type", kind)], protocol="HTTP/1.1")
            record = writer.create_warc_record(
                url, "response", payload=io.BytesIO(content), http_headers=headers
            )
            writer.write_record(record)
    return root / "crawl.warc.gz"


PACKINGS: dict[str, Callable[[Path], Path]] = {
    "folder": folder,
    "zip": zipped,
    "tar": tarred,
    "tar.gz": tarred_gz,
    "tar.bz2": tarred_bz2,
    "tar.xz": tarred_xz,
    "tar.zst": tarred_zst,
    "webdataset": webdataset_shards,
    "parquet": hugging_face_parquet,
    "arrow": hugging_face_arrow,
    "csv": csv,
    "tsv": tsv,
    "jsonl": jsonl,
    "cue": cue,
    "kaldi": kaldi,
    "lhotse": lhotse_recordings,
    "lhotse cuts": lhotse_cuts,
    "croissant": croissant,
    "warc": warc,
}
