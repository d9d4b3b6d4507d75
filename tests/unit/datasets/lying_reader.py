"""A reading process that a hostile source has taken over: its messages are invalid."""

from tests.unit.datasets.made_reader import send_invalid_messages as main

__all__ = ["main"]
