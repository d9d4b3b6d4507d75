"""Numba kernels of the fingerprint package."""
