"""Tells whether a piece of audio is inside a dataset, with evidence and a stated chance of error."""
