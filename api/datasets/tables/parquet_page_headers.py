"""The part of Thrift's compact protocol that is needed to read the sizes in a Parquet page header.

Arrow allocates the size that a page header states before it reads the page, so a file of 300 bytes could
make it allocate gigabytes. The sizes are read here first.
Protocol: Apache Thrift, doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

from typing import Final

_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(13)
_MAX_DEPTH: Final = 8


class BadThrift(ValueError):
    """The bytes are not a structure of the compact protocol."""


class Compact:
    """Reads compact-protocol values from the start of ``data``."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def integers(self) -> dict[int, int]:
        """Read a struct to its end: its integer fields by number; all other fields are skipped."""
        fields: dict[int, int] = {}
        number = 0
        while (head := self._byte()) != _STOP:
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            kind = head & 0x0F
            if kind in {_I16, _I32, _I64}:
                fields[number] = self._zigzag()
            else:
                self._pass_over(kind, depth=0, in_struct=True)
        return fields

    def _pass_over(self, kind: int, *, depth: int, in_struct: bool = False) -> None:
        if depth > _MAX_DEPTH:
            raise BadThrift("nested too deeply")
        if kind in {_TRUE, _FALSE}:
            self.position += 0 if in_struct else 1
        elif kind == _BYTE:
            self.position += 1
        elif kind in {_I16, _I32, _I64}:
            self._varint()
        elif kind == _DOUBLE:
            self.position += 8
        elif kind == _BINARY:
            length = self._varint()  # a separate statement: reading moves the position
            self.position += length
        elif kind in {_LIST, _SET}:
            self._pass_over_list(depth=depth)
        elif kind == _STRUCT:
            self._pass_over_struct(depth=depth)
        else:
            raise BadThrift(f"type {kind} does not occur in a page header")

    def _pass_over_list(self, *, depth: int) -> None:
        head = self._byte()
        count = self._varint() if head >> 4 == 15 else head >> 4
        for _ in range(min(count, len(self._data) + 1)):
            self._pass_over(head & 0x0F, depth=depth + 1)

    def _pass_over_struct(self, *, depth: int) -> None:
        while (head := self._byte()) != _STOP:
            if not head >> 4:
                self._varint()
            self._pass_over(head & 0x0F, depth=depth + 1, in_struct=True)

    def _byte(self) -> int:
        if self.position >= len(self._data):
            raise BadThrift("it ends too early")
        value = self._data[self.position]
        self.position += 1
        return value

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise BadThrift("a number without an end")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
