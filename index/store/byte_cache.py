"""A cache of arrays, limited in bytes.

Written by hand: `cachetools.LRUCache` with `getsizeof` refuses an array larger than the whole cache, which
would then be read from the store again for each candidate. Keeping the last array in any case takes as many
lines beside it as this module has, and another dependency.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

Array = TypeVar("Array", bound=NDArray[Any])


class ByteCache(Generic[Array]):
    """Arrays by recording; the least recently used is dropped first. Its user holds a lock.

    Parameters
    ----------
    read
        Reads one from the store.
    most_bytes : int
        Limit of all arrays together; the last one is always cached.
    """

    def __init__(self, read: Callable[[int], Array], *, most_bytes: int) -> None:
        self._read, self._most_bytes = read, most_bytes
        self._arrays: OrderedDict[int, Array] = OrderedDict()
        self._n_bytes = 0

    def of(self, recording: int) -> Array:
        """One recording's array; not to be written to."""
        if recording in self._arrays:
            self._arrays.move_to_end(recording)
            return self._arrays[recording]
        array = self._read(recording)
        array.setflags(write=False)
        self._arrays[recording] = array
        self._n_bytes += array.nbytes
        while self._n_bytes > self._most_bytes and len(self._arrays) > 1:
            self._n_bytes -= self._arrays.popitem(last=False)[1].nbytes
        return array
