"""The server's description of itself, in a form from which typed clients can be generated."""
