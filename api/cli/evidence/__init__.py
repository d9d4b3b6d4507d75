"""The commands about evidence files."""
