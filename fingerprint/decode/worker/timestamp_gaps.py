"""Detects audio missing between packets, by their timestamps."""

from __future__ import annotations

from typing import Any, Final

TIMESTAMPED: Final = frozenset({"mpeg", "mpegts"})
"""Demuxers of formats that state no duration, but have timestamps on every audio packet."""

GAP_S: Final = 0.2
"""Seconds by which timestamps must run ahead of the decoded audio to count as a gap."""

MAX_GAP_S: Final = 600.0
"""A larger step, or one backwards, is the start of another recording that was joined."""

DRIFT_S: Final = 0.0001
"""Seconds per packet by which the timestamps may drift from the decoded audio."""


class GapDetector:
    """Compares the timestamps of packets with the duration of their audio."""

    def __init__(self) -> None:
        self._offset_s: float | None = None

    def gap_before(self, packet: Any, *, passed_s: float) -> float:
        """Seconds of audio that are missing before a packet.

        Parameters
        ----------
        packet : av.Packet
        passed_s : float
            Seconds decoded or known to be missing before it.
        """
        if packet.pts is None or packet.time_base is None:
            return 0.0
        drift_s = float(packet.pts * packet.time_base) - passed_s
        if self._offset_s is None:
            self._offset_s = drift_s
        step_s = drift_s - self._offset_s
        if GAP_S < step_s <= MAX_GAP_S:
            return step_s
        if abs(step_s) > GAP_S:
            self._offset_s = drift_s
        else:
            self._offset_s += min(max(step_s, -DRIFT_S), DRIFT_S)
        return 0.0
