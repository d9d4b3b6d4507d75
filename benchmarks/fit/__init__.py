"""Commands that fit numbers of the search."""
