"""Readers in a process of their own: where it fails, one item or file is reported, and the scan continues."""
