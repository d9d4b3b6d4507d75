"""Checkpoint -> the files of `fingerprint/model` (``python -m benchmarks.training.export``)."""

from __future__ import annotations

import argparse
import shutil
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchmarks.training.card import write_card
from benchmarks.training.data import Source, picture, sources
from benchmarks.training.net import Net, unit_vectors
from benchmarks.training.pools import Pools
from benchmarks.training.train import LOADED, positives
from earwitness.fingerprint.activity import active_seconds
from earwitness.fingerprint.codes import NET_PARTS, Projector, Quantiser
from earwitness.fingerprint.conformance import reference_signal
from earwitness.fingerprint.extract import MODELS, name_scheme
from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.peaks import pick_peaks
from earwitness.fingerprint.spectrogram import normalise_level, spectrogram
from earwitness.index.statistics.calibration import CALIBRATION_FILE

OPSET: Final = 17
BACKGROUND_CODES: Final = 50_000
RUN_CODES: Final = 240
"""Codes of one run of the background: two minutes, longer than any query's diagonal needs."""

N_LISTS: Final = 1_024
COMPARED_EXACTLY: Final = 4.0
"""Codes that a flat look-up compares exactly, for each that is requested."""

Floats = NDArray[np.float32]


def folded(net: Net) -> Net:
    """The net with every batch normalisation folded into the convolution before it."""
    layers: list[nn.Module] = []
    for layer in net.eval().body:
        if isinstance(layer, nn.BatchNorm2d):
            layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
        else:
            layers.append(layer)
    net.body = nn.Sequential(*layers)
    return net


class Head(nn.Module):  # type: ignore[misc]  # torch is not checked
    """The last part of a net: features every 8 frames -> unit vectors (batch, codes, dim)."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, seen: Tensor) -> Tensor:
        """As `Net.forward` ends."""
        return unit_vectors(self.layers(seen))


def write_net(checkpoint: Path, folder: Path) -> dict[str, Any]:
    """Export the net in parts with a free time axis; returns what the checkpoint says of its training."""
    kept = torch.load(checkpoint, weights_only=True, map_location="cpu")
    net = Net()
    net.load_state_dict(kept["net"])
    write_parts(folded(net), folder)
    return {"steps": kept["step"], "trained_minutes": round(kept["trained_s"] / 60, 1)}


def write_parts(net: Net, folder: Path) -> None:
    """Cut a folded net after its second and before its last step in time (`Projector`)."""
    after = [at for at, layer in enumerate(net.body) if getattr(layer, "stride", (1, 1))[0] == 2]
    early, middle, late = net.body[: after[2]], net.body[after[2] : after[3]], net.body[after[3] :]
    seen = torch.zeros(1, 1, PARAMS.context_frames + PARAMS.code_hop_frames, PARAMS.n_bands)
    for part, name in zip((early, middle, Head(late)), NET_PARTS, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.onnx.export(
                part.eval(),
                (seen,),
                str(folder / name),
                input_names=["seen"],
                output_names=["made"],
                dynamic_axes={"seen": {2: "n_in"}, "made": {1 if name == NET_PARTS[2] else 2: "n"}},
                opset_version=OPSET,
                dynamo=False,
            )
        seen = part(seen).detach()


def track_codes(projector: Projector, tracks: list[Source], args: argparse.Namespace) -> list[Floats]:
    """Float codes of training tracks, from the cached decibels."""
    return [
        projector.project(picture(source, corpus=args.corpus, cache=args.cache), fine=False)
        for source in tracks
    ]


def degraded_codes(projector: Projector, pools: Pools, batches: int, seed: int) -> Floats:
    """Codes of lightly degraded excerpts, so that lists are trained on what queries look like."""
    torch.manual_seed(seed)
    codes = []
    for _ in range(batches):
        power = pools.tracks.draw(64, LOADED)[0]
        for view in positives(power, pools, hardness=0.0).numpy():
            codes.append(projector.project(np.ascontiguousarray(view), fine=False)[2:-2])
    return np.concatenate(codes)


def lloyd_max(values: Floats, n_levels: int = 16, rounds: int = 60) -> Floats:
    """Levels of least squared error for a sample of numbers (Lloyd 1982)."""
    levels: NDArray[np.float64] = np.quantile(values, (np.arange(n_levels) + 0.5) / n_levels)
    for _ in range(rounds):
        nearest = np.searchsorted((levels[1:] + levels[:-1]) / 2, values)
        counts = np.bincount(nearest, minlength=n_levels)
        levels = np.bincount(nearest, values, n_levels) / np.maximum(1, counts)
    return levels.astype(np.float32)


def hadamard(size: int) -> Floats:
    """Orthonormal matrix of plus and minus (Sylvester): it spreads any variances evenly."""
    matrix = np.ones((1, 1), dtype=np.float32)
    while len(matrix) < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return np.asarray(matrix / np.sqrt(size), dtype=np.float32)


def train_quantiser(codes: Floats) -> Quantiser:
    """Principal axes, then a Hadamard rotation: all dimensions get one variance, and one set of levels."""
    mean = codes.mean(axis=0)
    axes = np.linalg.eigh(np.cov((codes - mean).T))[1].T.astype(np.float32)
    rotation = hadamard(PARAMS.dim) @ axes
    levels = lloyd_max(((codes[::4] - mean) @ rotation.T).ravel())
    return Quantiser(mean=mean, rotation=np.ascontiguousarray(rotation), levels=levels)


def train_partitioned(codes: Floats, path: Path) -> None:
    """An empty index with trained lists and a trained product quantiser."""
    index = faiss.index_factory(PARAMS.dim, f"IVF{N_LISTS},PQ32x4fs", faiss.METRIC_INNER_PRODUCT)
    lists: Any = index
    lists.cp.niter = 12
    index.train(np.ascontiguousarray(codes))
    faiss.write_index(index, str(path))


def train_flat(codes: Floats, path: Path) -> None:
    """An empty index that compares product-quantised codes, then the nearest as half-precision floats."""
    flat: Any = faiss.index_factory(PARAMS.dim, "PQ32x4fs,Refine(SQfp16)", faiss.METRIC_INNER_PRODUCT)
    flat.train(np.ascontiguousarray(codes))
    flat.k_factor = COMPARED_EXACTLY
    faiss.write_index(flat, str(path))


def background(codes: list[Floats], quantiser: Quantiser, tracks: list[Source], seed: int) -> dict[str, Any]:
    """Contiguous runs out of the training tracks, each in proportion to its length, and which are spoken."""
    pieces = [(track, at) for track, rows in enumerate(codes) for at in range(0, len(rows), RUN_CODES)]
    order = np.random.default_rng(seed).permutation(len(pieces))
    runs, spoken = list[Floats](), list[bool]()
    for number in order:
        track, at = pieces[number]
        runs.append(codes[track][at : at + RUN_CODES])
        spoken.append(tracks[track].kind == "speech")
        if sum(map(len, runs)) >= BACKGROUND_CODES:
            break
    lengths = np.array([len(run) for run in runs], dtype=np.int32)
    packed = quantiser.pack(np.concatenate(runs))
    return {"codes": packed, "run_lengths": lengths, "spoken": np.array(spoken)}


def conformance(projector: Projector, quantiser: Quantiser) -> dict[str, Any]:
    """Fine codes and peaks of the reference signal."""
    sound = reference_signal()
    assert active_seconds(sound) > 10
    levels = normalise_level(spectrogram(sound).power)
    embedding = projector.project(levels, fine=True)
    return {"embedding": embedding, "codes": quantiser.pack(embedding), "peaks": pick_peaks(levels)}


def main() -> None:
    """Write net, quantiser, empty index, background, conformance codes, card; print what they came out as."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("corpus", "cache", "pool", "checkpoint"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=MODELS)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)  # the same lists on every machine
    out: Path = args.out
    trained = write_net(args.checkpoint, out)
    projector = Projector([(out / name).read_bytes() for name in NET_PARTS], PARAMS)
    chosen = sources(args.corpus, role="train")
    audible = [source for source in chosen if source.kind in ("music", "speech")]
    tracks = track_codes(projector, audible, args)
    pools = Pools.load(args.pool)
    clean = np.concatenate(tracks)
    both = np.concatenate([clean, degraded_codes(projector, pools, 120, args.seed)])
    quantiser = train_quantiser(both)
    np.savez(out / "quantiser.npz", **asdict(quantiser))
    cosine = (quantiser.unpack(quantiser.pack(both)) * both).sum(axis=1)
    train_partitioned(both, out / "partitioned.faiss")
    train_flat(both, out / "flat.faiss")
    np.savez(out / "background.npz", **background(tracks, quantiser, audible, args.seed))
    np.savez(out / "conformance.npz", **conformance(projector, quantiser))
    if not (out / CALIBRATION_FILE).exists():  # to start from, until the numbers of this net are fitted
        shutil.copy(MODELS / CALIBRATION_FILE, out)
    measured = trained | {
        "seed": args.seed,
        "training_codes": len(clean),
        "quantiser_cosine_mean": round(float(cosine.mean()), 5),
        "quantiser_cosine_1_percent": round(float(np.quantile(cosine, 0.01)), 5),
    }
    print(write_card(out, scheme=name_scheme(PARAMS, out), chosen=chosen, measured=measured))


if __name__ == "__main__":
    main()
