"""Readers of text manifests and of the formats that describe datasets."""
