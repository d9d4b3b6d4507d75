"""Test data: the open corpus, degradations, queries with known answers."""
