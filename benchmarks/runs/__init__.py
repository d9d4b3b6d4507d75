"""The benchmarks: each module is an entry of ``python -m benchmarks``."""
