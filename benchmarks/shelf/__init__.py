"""Measurements of the shelf: spellings of names, and what a pack gives away."""
