"""Scanning a source: worker processes, checkpoint, outputs."""
