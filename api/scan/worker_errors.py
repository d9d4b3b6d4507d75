"""What can go wrong with an item while a worker process has it."""

from __future__ import annotations

from earwitness.api.api_errors import ItemRefused


class ItemTimeout(ItemRefused):
    """All work on an item together took longer than its limit; the other items went on."""

    code = "item_timeout"
    reason = "it was stopped before it was compared to its end"
    way_out = "split the file, or raise EARWITNESS_ITEM_WALL_S"

    def __init__(self, *, name: str, limit_s: float) -> None:
        super().__init__(name=name, detail=f"the limit is {limit_s:g} s")
