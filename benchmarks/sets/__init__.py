"""Measurements of whole sets of recordings: copies within one set, and what two sets share."""
