"""Numba loops of the search."""
