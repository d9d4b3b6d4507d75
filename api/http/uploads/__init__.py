"""Uploads: forms, spooled files, and the process that answers single uploads."""
