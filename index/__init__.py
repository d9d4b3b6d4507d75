"""Remembers fingerprints and finds them again."""
