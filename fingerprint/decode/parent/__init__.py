"""The calling side of the decoder: starts the sandboxed worker and checks its responses."""
