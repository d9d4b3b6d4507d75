"""Corpus -> weights: contrastive training on power spectrograms (``python -m benchmarks.training.train``)."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.training.augment import degrade, warp
from benchmarks.training.net import Net, pictures
from benchmarks.training.pools import Pools
from earwitness.fingerprint.params import PARAMS

CODES: Final = 4
"""Codes in a row from each excerpt: neighbours share most of the work."""

CORE: Final = PARAMS.context_frames + PARAMS.code_hop_frames * (CODES - 1)
ANCHOR: Final = CORE + PARAMS.level_frames - 1
SEEN: Final = CORE + 32
HISTORY: Final = 40
LOADED: Final = 256
TEMPERATURE: Final = 0.06
NEAR_FRAMES: Final = 94
REPEAT_COSINE: Final = 0.75
CHECKPOINT_S: Final = 120.0
CHECKPOINT: Final = "checkpoint.pt"
WEIGHTS: Final = "net.pt"


@dataclass(slots=True)
class Progress:
    """How far a run has come; survives interruptions."""

    step: int = 0
    trained_s: float = 0.0


def _middle(power: Tensor, frames: int) -> Tensor:
    start = (power.shape[1] - frames) // 2
    return power[:, start : start + frames]


def anchors(power: Tensor) -> Tensor:
    """The clean view, as a reference has it: true levels, true surroundings."""
    return _middle(pictures(_middle(power, ANCHOR)), CORE)


def positives(power: Tensor, pools: Pools, hardness: float) -> Tensor:
    """The degraded view, as an excerpt has it: off the grid, levels cut off at the ends, ends repeated."""
    batch = len(power)
    misaligned = (torch.rand(batch) * 2 - 1) * 2.5
    moved = warp(power, SEEN + HISTORY, shift_frames=misaligned - HISTORY / 2)
    others, snr_db = pools.others(batch, SEEN + HISTORY, hardness)
    seen = degrade(moved, others, snr_db, pools.fields, pools.rooms)[:, HISTORY:]
    view = _middle(pictures(seen), CORE).clone()
    reach = PARAMS.context_frames // 2
    starts, ends = torch.rand(batch, 1, 1) < 0.12, torch.rand(batch, 1, 1) < 0.12
    view[:, :reach] = torch.where(starts, view[:, reach : reach + 1], view[:, :reach])
    view[:, -reach:] = torch.where(ends, view[:, -reach - 1 : -reach], view[:, -reach:])
    return view


def not_rivals(codes: Tensor, track: Tensor, start: Tensor) -> Tensor:
    """Pairs that must not be pushed apart: near each other in one track, or a repeat of the same music."""
    same = track[:, None] == track[None, :]
    near = same & ((start[:, None] - start[None, :]).abs() < NEAR_FRAMES + CORE)
    blow = torch.ones(CODES, CODES, dtype=torch.bool)
    flat = codes.detach().flatten(0, 1)
    repeat = torch.kron(same, blow) & (flat @ flat.T > REPEAT_COSINE)
    return torch.kron(near, blow) | repeat


def contrastive_loss(clean: Tensor, changed: Tensor, masked: Tensor) -> tuple[Tensor, Tensor]:
    """NT-Xent over both views (Chen 2020, section 2.1) with rivals masked; also the share of right firsts."""
    size = masked.shape[0]
    both = torch.cat([clean.flatten(0, 1), changed.flatten(0, 1)])
    similarity = both @ both.T / TEMPERATURE
    own = torch.arange(size)
    similarity = similarity.masked_fill(masked.repeat(2, 2), -1e4)
    truth = torch.cat([own + size, own])
    right = (both[:size] * both[size:]).sum(dim=1).repeat(2) / TEMPERATURE
    similarity = similarity.scatter(1, truth[:, None], right[:, None])
    loss = functional.cross_entropy(similarity, truth)
    return loss, (similarity[size:].argmax(1) == own).float().mean()


def rate_at(progress: float, peak: float) -> float:
    """One cycle: a rise over the first 8 %, then a cosine down to nothing."""
    if progress < 0.08:
        return peak * (0.04 + 0.96 * progress / 0.08)
    return float(peak * (0.002 + 0.998 * 0.5 * (1 + np.cos(np.pi * min(1.0, (progress - 0.08) / 0.92)))))


class Trainer:
    """Net, optimiser and progress, resumed from the last checkpoint where there is one."""

    def __init__(self, pools: Pools, out: Path, args: argparse.Namespace) -> None:
        self.pools, self.args, self.out = pools, args, out
        self.net = Net().to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), args.rate, weight_decay=1e-3)
        self.progress = Progress()
        if (out / CHECKPOINT).exists():
            self._resume(torch.load(out / CHECKPOINT, weights_only=True))
        torch.manual_seed(args.seed + self.progress.step)

    def _resume(self, kept: dict[str, Any]) -> None:
        self.net.load_state_dict(kept["net"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.progress = Progress(kept["step"], kept["trained_s"])
        print(f"resumed at step {self.progress.step}", file=sys.stderr)

    def save(self) -> None:
        """Write checkpoint and weights beside the last ones, then put them in their place."""
        progress = {"step": self.progress.step, "trained_s": self.progress.trained_s}
        weights = {"net": self.net.state_dict()} | progress | {"batch": self.args.batch}
        whole = weights | {"optimiser": self.optimiser.state_dict()}
        for name, kept in ((CHECKPOINT, whole), (WEIGHTS, weights)):
            partial = self.out / f"{name}.part"
            torch.save(kept, partial)
            partial.replace(self.out / name)

    @property
    def done(self) -> float:
        """Share of the run that lies behind, 0 to 1 and over."""
        if self.args.steps:
            return self.progress.step / float(self.args.steps)
        return self.progress.trained_s / (60.0 * float(self.args.minutes))

    def _views(self) -> tuple[Tensor, Tensor, Tensor]:
        with torch.no_grad():
            power, track, start = self.pools.tracks.draw(self.args.batch, LOADED)
            hardness = min(1.0, self.done / 0.25)
            views = torch.cat([anchors(power), positives(power, self.pools, hardness)]).unsqueeze(1)
        return views.contiguous(memory_format=torch.channels_last), track, start

    def step(self) -> tuple[Tensor, Tensor]:
        """One batch: draw, degrade, embed both views, push the rest apart."""
        views, track, start = self._views()
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.done, self.args.rate)
        with torch.autocast(self.args.device, torch.bfloat16, enabled=self.args.bfloat16):
            clean, changed = self.net(views).chunk(2)
        loss, right = contrastive_loss(clean, changed, not_rivals(clean, track, start))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.progress.step += 1
        return loss.detach(), right

    def run(self) -> None:
        """Train to the end of the schedule, with a checkpoint every two minutes."""
        saved = reported = time.monotonic()
        while self.done < 1.0:
            began = time.monotonic()
            loss, right = self.step()
            if self.args.device == "cuda" and self.progress.step % 8 == 0:
                torch.cuda.synchronize()
            now = time.monotonic()
            self.progress.trained_s += now - began
            if now - reported > 15 or self.progress.step <= 3:
                reported = now
                print(
                    f"step {self.progress.step} {self.done:.3f} loss {float(loss):.3f} "
                    f"first {float(right):.3f} {self.progress.trained_s / self.progress.step:.3f} s",
                    flush=True,
                )
            if now - saved > CHECKPOINT_S:
                saved = now
                self.save()
        self.save()


def _processor() -> str:
    """What the processor can do, as Linux says it; nothing elsewhere."""
    settings = Path("/proc/cpuinfo")
    return settings.read_text(encoding="utf-8") if settings.is_file() else ""


def main() -> None:
    """Parse, load, train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool", type=Path, required=True, help="what benchmarks.training.packed wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=75.0)
    parser.add_argument("--steps", type=int, default=0, help="a fixed number of steps instead of minutes")
    parser.add_argument("--batch", type=int, default=96, help="1024 on a GPU")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--bfloat16",
        action=argparse.BooleanOptionalAction,
        default=torch.cuda.is_available() or "avx512_bf16" in _processor(),
        help="by default where the processor has it: where it is emulated, a step takes six times as long",
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_default_device(args.device)
    torch.backends.cuda.matmul.allow_tf32 = True
    args.out.mkdir(parents=True, exist_ok=True)
    Trainer(Pools.load(args.pool), args.out, args).run()


if __name__ == "__main__":
    main()
