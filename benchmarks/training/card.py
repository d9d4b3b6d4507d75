"""The model card: digests for the program, data and licences for people."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks.training.data import Source
from earwitness.fingerprint.codes import NET_PARTS
from earwitness.fingerprint.params import PARAMS

FILES: Final = (
    *NET_PARTS,
    "quantiser.npz",
    "partitioned.faiss",
    "flat.faiss",
    "background.npz",
    "conformance.npz",
    "calibration.json",
)

TEXT: Final = """# Model card: {scheme}

**What it is.** A convolutional net that turns 1.6 s of a log-frequency power spectrogram into a
unit vector of 64 numbers, one every 0.51 s of a recording (one every 0.13 s of a query), and a
quantiser that keeps such a vector in 32 bytes. Excerpts of the same recording get similar vectors,
also through noise, rooms, codecs, band limits and small changes of speed, pitch and tempo. The
scheme has a second part that is not trained: the positions of the strongest spectral peaks of a recording
(`fingerprint/peaks.py`), by which a match is judged besides.

**What it is for.** Finding out whether a recording is part of a collection. It finds recordings,
not works: covers, imitations and re-recordings get other vectors. It does not tell who made a
sound, what it is or whose voice it is, and must not be used to say so.

**How it was trained.** Contrastively (NT-Xent) on pairs of a clean and a degraded excerpt; the
degradations are those of `benchmarks/training/augment.py`, wholly on power spectrograms. {facts}

**Files.** `net_early.onnx`, `net_middle.onnx`, `net_late.onnx` (the net in three parts,
float32, one free axis), `quantiser.npz` (mean, rotation, 16 levels),
`partitioned.faiss` and `flat.faiss` (empty trained indexes, with lists and without),
`background.npz` (packed codes of training audio in contiguous runs: the decoys of the null model),
`conformance.npz` (expected codes and peaks of a synthetic sound, for `earwitness selftest`),
`calibration.json` (scores of alignment steps, null model and corrections of E-values), all named with
their sha256 in `model.json`.

**Where it is weak.** Trained on about {n_files} files of mostly instrumental game music and some
speech: other genres, singing and field recordings are underrepresented. Sustained tones and bare
noise give vectors that say little; the E-value of a match, not its similarity, tells how much that
matters.

**When evaluating.** Two files of the training packages are byte for byte files of evaluation packages too:
`bgmusic.ogg` of blockattack is `tb_design.ogg` of trackballs-data (test), `tuxi.ogg` of tuxtype-data that
of tuxmath-data (validation). Leave both out of what is queried.

## Data

No audio is redistributed. Weights were trained on, and background codes were made from, these packages:

| package | kind | files | licences |
|---|---|---|---|
{rows}
"""


def _rows(chosen: list[Source]) -> str:
    groups: dict[tuple[str, str], list[Source]] = defaultdict(list)
    for source in chosen:
        groups[source.package, source.kind].append(source)
    lines = []
    for (package, kind), group in sorted(groups.items()):
        licences = sorted({source.license.replace(" | ", " or ") for source in group})
        lines.append(f"| {package} | {kind} | {len(group)} | {', '.join(licences)} |")
    return "\n".join(lines)


def write_card(folder: Path, *, scheme: str, chosen: list[Source], measured: dict[str, Any]) -> str:
    """Write `model.json` and `CARD.md`; returns the scheme with what was measured, in one line."""
    card = {
        "scheme": scheme,
        "params": asdict(PARAMS),
        "training": measured,
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES},
    }
    (folder / "model.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    facts = "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in measured.items()) + "."
    files = sum(source.kind in ("music", "speech") for source in chosen)
    text = TEXT.format(scheme=scheme, facts=facts, n_files=files, rows=_rows(chosen))
    (folder / "CARD.md").write_text(text, encoding="utf-8")
    return f"{scheme}: {facts}"
