"""Findings of earlier scans, so that the same audio is not searched again for the same works."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from earwitness.api.finding_json import from_json, to_json
from earwitness.api.findings import Finding, FindingSearch
from earwitness.api.pipeline.run_spec import ItemResult, RunSpec
from earwitness.index.store.finding_cache import CacheKey, FindingCache

BATCH_FINDINGS: Final = 200
"""Findings written in one transaction."""

SEARCH_VERSION: Final = 15
"""Raised with every change of the search: findings of an older version are not used any more."""


class KnownFindings:
    """The stored findings of one search; worker processes read them, the parent process adds to them."""

    def __init__(self, spec: RunSpec) -> None:
        assert spec.search is not None  # a scan always searches
        self._search: FindingSearch = spec.search
        self._cache_key = CacheKey(
            scheme=spec.search.scheme,
            effort=f"{spec.effort}/{SEARCH_VERSION}",
            state_digest=spec.state_digest,
        )
        settings = spec.settings
        self._cache = FindingCache(settings.home_address)
        self._fresh: dict[str, str] = {}

    def recall(self, key: str) -> Finding | None:
        """Return the stored finding of this audio, with the item of the earlier run and this run's search."""
        text = self._cache.get(self._cache_key, [key]).get(key)
        return None if text is None else replace(from_json(json.loads(text)), search=self._search)

    def remember(self, result: ItemResult) -> None:
        """Store a fresh finding, together with others, once there are `BATCH_FINDINGS`."""
        if result.fresh and result.finding is not None and result.key is not None:
            self._fresh[result.key] = json.dumps(to_json(replace(result.finding, same_file=(), names=())))
        if len(self._fresh) >= BATCH_FINDINGS:
            self.flush()

    def flush(self) -> None:
        """Write the findings that are not stored yet."""
        self._cache.put(self._cache_key, self._fresh)
        self._fresh = {}

    def close(self) -> None:
        """Close the catalog."""
        self._cache.close()
