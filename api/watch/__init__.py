"""Watched works: their owners get one notice for each version of a dataset that is indexed or added."""
