"""What was read of the store last, kept at hand up to a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

Array = TypeVar("Array", bound=NDArray[Any])


class ByteCache(Generic[Array]):
    """Arrays by recording, the least lately used let go first; whoever uses it holds a lock.

    Parameters
    ----------
    read
        Reads one from the store.
    most_bytes : int
        How much is kept; the last one always is.
    """

    def __init__(self, read: Callable[[int], Array], *, most_bytes: int) -> None:
        self._read, self._most_bytes = read, most_bytes
        self._kept: OrderedDict[int, Array] = OrderedDict()
        self._n_bytes = 0

    def of(self, recording: int) -> Array:
        """One recording's array; not to be written to."""
        if recording in self._kept:
            self._kept.move_to_end(recording)
            return self._kept[recording]
        array = self._read(recording)
        array.setflags(write=False)
        self._kept[recording] = array
        self._n_bytes += array.nbytes
        while self._n_bytes > self._most_bytes and len(self._kept) > 1:
            self._n_bytes -= self._kept.popitem(last=False)[1].nbytes
        return array
