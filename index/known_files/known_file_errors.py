"""Errors of lists of known files."""

from __future__ import annotations

from earwitness.index.store.store_errors import StoreError


class FileListDamaged(StoreError):
    """A list of known files is not as it was written."""

    code = "file_list_damaged"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} is damaged ({reason}), so no file can be looked up in it",
            hint="install earwitness again, or add the pack again that the list came with",
        )
