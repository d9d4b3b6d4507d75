"""The HTTP server under hostile load."""
