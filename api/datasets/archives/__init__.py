"""Readers of archives: tar, WebDataset, zip, WARC, and single files."""
