"""All parameters that can change a fingerprint. None of them is read from the environment."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from earwitness.fingerprint.types import RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Parameters of one scheme, which is identified by them and the digests of net and quantiser.

    Attributes
    ----------
    n_fft, hop_samples : int
        Window length and hop of the short-time Fourier transform, in samples at ``rate_hz``.
    n_bands, low_hz, bands_per_octave
        Log-frequency axis: band ``b`` is centred at ``low_hz * 2 ** (b / bands_per_octave)``.
    level_frames : int
        Odd length, in frames, of the moving mean that gives the local level.
    floor_db : float
        Decibels below the local level (mean power of a band) at which power is floored.
    code_hop_frames, query_hop_frames : int
        Frames between reference codes, and between query codes on the fine grid: the first is four times the
        second in every scheme, which the kernels of the search rely on.
    context_frames : int
        Odd number of frames that one code depends on.
    dim, code_bits : int
        Dimensions of a code, and stored bits per dimension.
    peaks_per_block, peak_block_frames : int
        Most peaks of a block, and its length in frames.
    peak_reach_frames, peak_reach_bands : int
        A peak is the maximum within this distance on either side.
    peak_low_band : int
        Lowest band of a peak, at 86 Hz: lower bands are narrower than the resolution of the transform.
    peak_box_frames, peak_box_bands : int
        Distance on either side of the neighbourhood whose mean a peak is compared with.
    """

    rate_hz: int = RATE_HZ
    n_fft: int = 1_536
    hop_samples: int = 352
    n_bands: int = 128
    low_hz: float = 62.5
    bands_per_octave: float = 128 / 6
    level_frames: int = 63
    floor_db: float = 45.0
    code_hop_frames: int = 16
    query_hop_frames: int = 4
    context_frames: int = 49
    dim: int = 64
    code_bits: int = 4
    peaks_per_block: int = 28
    peak_block_frames: int = 31
    peak_reach_frames: int = 5
    peak_reach_bands: int = 4
    peak_low_band: int = 10
    peak_box_frames: int = 8
    peak_box_bands: int = 4

    def __post_init__(self) -> None:
        if self.code_hop_frames != 4 * self.query_hop_frames:
            raise ValueError(
                f"a code is not four query hops: {self.code_hop_frames=}, {self.query_hop_frames=}"
            )

    @property
    def frame_s(self) -> float:
        """Seconds between frames."""
        return self.hop_samples / self.rate_hz

    @property
    def hop_s(self) -> float:
        """Seconds between reference codes."""
        return self.code_hop_frames * self.frame_s

    @property
    def query_hop_s(self) -> float:
        """Seconds between query codes on the fine grid."""
        return self.query_hop_frames * self.frame_s

    @property
    def code_bytes(self) -> int:
        """Bytes of one packed code."""
        return self.dim * self.code_bits // 8

    def canonical(self) -> dict[str, float]:
        """Parameters by name, for the digest of the scheme."""
        return {name: float(value) for name, value in asdict(self).items()}


PARAMS = Params()
"""Parameters of the newest scheme."""
