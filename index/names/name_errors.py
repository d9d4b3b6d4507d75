"""Errors of stored names."""

from __future__ import annotations

from earwitness.index.store.store_errors import StoreError


class NameListDamaged(StoreError):
    """The stored names of a dataset are not as they were written."""

    code = "name_list_damaged"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} is damaged ({reason}), so no name can be looked up in it",
            hint="delete the file, then index the list again, or add its pack again",
        )


class NameListTooNew(StoreError):
    """A newer program stored the names of a dataset."""

    code = "name_list_too_new"

    def __init__(self, *, path: str, stored_format: str) -> None:
        self.path, self.stored_format = path, stored_format
        super().__init__(
            f"{path} has the format {stored_format!r}, which this version does not know",
            hint="install a newer earwitness",
        )


class FullTextMissing(StoreError):
    """The SQLite of this Python has no full-text index."""

    code = "full_text_missing"

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"names cannot be stored, as the SQLite of this Python has no full-text index ({reason})",
            hint="install a Python whose SQLite has FTS5, as those of python.org, uv and Debian have",
        )
