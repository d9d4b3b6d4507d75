"""The net: convolutional in time, frequency folded into channels, one unit vector every 16 frames."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitness.fingerprint.params import PARAMS

WIDTHS: Final = (32, 64, 128, 256, 384)
HIDDEN: Final = 256


def _unit(n_in: int, n_out: int, size: tuple[int, int], stride: tuple[int, int]) -> list[nn.Module]:
    """A convolution, padded in frequency only: in time, no answer ever depends on where the sound was cut."""
    pad = (0, size[1] // 2)
    return [
        nn.Conv2d(n_in, n_out, size, stride=stride, padding=pad, bias=False),
        nn.BatchNorm2d(n_out),
        nn.SiLU(),
    ]


def _mix(width: int, size: tuple[int, int]) -> list[nn.Module]:
    """Depthwise, then pointwise: a cheap layer that looks further."""
    pad = (0, size[1] // 2)
    depthwise = nn.Conv2d(width, width, size, padding=pad, groups=width, bias=False)
    return [depthwise, *_unit(width, width, (1, 1), (1, 1))]


class Net(nn.Module):  # type: ignore[misc]  # torch is not checked
    """Picture (batch, 1, frames, bands) -> unit vectors (batch, codes, dim).

    Four steps of two in time make one code of 16 frames; the kernels' reach makes a context of 49 frames
    (1.56 s): ``n`` codes come out of ``49 + 16 * (n - 1)`` frames, frame ``24 + 16 * k`` in the middle of
    code ``k``.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.body = nn.Sequential(
            *_unit(1, a, (5, 5), (2, 2)),
            *_unit(a, b, (3, 3), (2, 2)),
            *_unit(b, c, (3, 3), (2, 2)),
            *_mix(c, (3, 3)),
            *_unit(c, d, (3, 3), (2, 2)),
            *_mix(d, (1, 3)),
            *_unit(d, e, (1, 3), (1, 2)),
            nn.Conv2d(e, HIDDEN, (1, 4)),
            nn.SiLU(),
            nn.Conv2d(HIDDEN, PARAMS.dim, 1),
        )

    def forward(self, picture: Tensor) -> Tensor:
        """Unit vectors of every code whose whole context lies in the picture."""
        return unit_vectors(self.body(picture))


def unit_vectors(seen: Tensor) -> Tensor:
    """Last features (batch, dim, codes, 1) -> unit vectors (batch, codes, dim)."""
    return functional.normalize(seen.squeeze(3).transpose(1, 2).float(), dim=2)


def pictures(power: Tensor) -> Tensor:
    """`normalise_level` for a batch: (batch, frames, bands) -> the same shape."""
    reach = PARAMS.level_frames // 2
    level = functional.avg_pool1d(
        power.mean(dim=2), PARAMS.level_frames, stride=1, padding=reach, count_include_pad=False
    )
    ratio = power / (level.unsqueeze(2) + 1e-30)
    return torch.log10(ratio + 10 ** (-PARAMS.floor_db / 10)) * 0.5
