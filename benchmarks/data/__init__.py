"""Test material: the open corpus, degradations, queries with known answers."""
