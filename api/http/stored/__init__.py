"""Registered works and datasets over HTTP: listed, corrected, deleted."""
