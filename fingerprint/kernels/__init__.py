"""Numba loops of the fingerprint."""
