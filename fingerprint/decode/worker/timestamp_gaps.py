"""Sound that is missing between packets, by their time stamps."""

from __future__ import annotations

from typing import Any, Final

STAMPED: Final = frozenset({"mpeg", "mpegts"})
"""Demuxers of formats that state no length and give every packet of sound a time."""

GAP_S: Final = 0.2
"""A step of the time stamps beyond what was decoded that is more than inaccuracy."""

MAX_GAP_S: Final = 600.0
"""A larger step is another recording that was joined; so is one backwards."""

DRIFT_S: Final = 0.0001
"""Seconds by which the clocks of sender and sound may go apart for each packet."""


class GapDetector:
    """Compares the time stamps of packets with the sound that they hold."""

    def __init__(self) -> None:
        self._level_s: float | None = None

    def before(self, packet: Any, *, passed_s: float) -> float:
        """Seconds that are missing before a packet.

        Parameters
        ----------
        packet : av.Packet
        passed_s : float
            Seconds that were decoded, or are known to be missing, before it.
        """
        if packet.pts is None or packet.time_base is None:
            return 0.0
        drift_s = float(packet.pts * packet.time_base) - passed_s
        if self._level_s is None:
            self._level_s = drift_s
        step_s = drift_s - self._level_s
        if GAP_S < step_s <= MAX_GAP_S:
            return step_s
        if abs(step_s) > GAP_S:
            self._level_s = drift_s
        else:
            self._level_s += min(max(step_s, -DRIFT_S), DRIFT_S)
        return 0.0
