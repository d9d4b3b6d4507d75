"""Command line, HTTP, Python interface, readers of datasets, and scans; no signal processing."""
