"""Comparing two collections, or the splits of one: what lies in both, by the very file and by sound."""
