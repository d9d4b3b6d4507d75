"""Findings of earlier scans: what was asked of the same audio and the same works is not asked again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from earwitness.api.findings import Finding, FindingSearch, from_json, to_json
from earwitness.api.pipeline.run_spec import ItemResult, RunSpec
from earwitness.index.store.finding_cache import CacheKey, FindingCache

AT_ONCE: Final = 200

SEARCH_VERSION: Final = 3
"""Counted up with every change of the search: what an older one answered is asked again."""


class KnownFindings:
    """The findings kept for one order's question. Workers recall, the parent remembers."""

    def __init__(self, order: RunSpec) -> None:
        assert order.search is not None  # only findings are kept, so something is asked
        self._search: FindingSearch = order.search
        self._asked = CacheKey(
            scheme=order.search.scheme,
            effort=f"{order.effort}/{SEARCH_VERSION}",
            state_digest=order.state_digest,
        )
        settings = order.settings
        self._answers = FindingCache(settings.home, tenant=settings.tenant, url=settings.database)
        self._fresh: dict[str, str] = {}

    def recall(self, key: str) -> Finding | None:
        """Return the finding of this audio, said of the item and the epoch that it was asked in then."""
        text = self._answers.get(self._asked, [key]).get(key)
        return None if text is None else replace(from_json(json.loads(text)), search=self._search)

    def remember(self, answer: ItemResult) -> None:
        """Keep a fresh finding, with others, once there are enough of them."""
        if answer.fresh and answer.finding is not None and answer.key is not None:
            self._fresh[answer.key] = json.dumps(to_json(answer.finding))
        if len(self._fresh) >= AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what is to be kept."""
        self._answers.put(self._asked, self._fresh)
        self._fresh = {}

    def close(self) -> None:
        """Let go of the catalog."""
        self._answers.close()
