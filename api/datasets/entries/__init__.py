"""From an entry of a manifest or a row of a table to its items."""
