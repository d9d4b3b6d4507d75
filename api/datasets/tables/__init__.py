"""Readers of Parquet and Arrow tables."""
