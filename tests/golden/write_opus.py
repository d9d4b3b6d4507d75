"""Write the Opus queries in ``opus/`` again: ``python -m tests.golden.write_opus``.

They are stored because libopus encodes differently on processors of different makers, which changes E-values
by more than their tolerance.
"""

from __future__ import annotations

from benchmarks.data.audio_io import encode
from tests.golden.queries import OPUS
from tests.golden.sounds import TITLES, excerpt


def main() -> None:
    """Encode an excerpt of three works at three bit rates."""
    OPUS.mkdir(exist_ok=True)
    for kbps in (12, 24, 48):
        for number, title in enumerate(TITLES[:3]):
            data = encode(excerpt(title, number + kbps, 5.0), codec="opus", bit_rate=1_000 * kbps)
            (OPUS / f"codec-opus-{kbps}k-{title}.opus").write_bytes(data)


if __name__ == "__main__":
    main()
