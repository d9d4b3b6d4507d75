"""A reading process that a hostile source has taken over: what it says of an item is no item."""

from tests.unit.datasets.made_reader import lie

if __name__ == "__main__":
    lie()
