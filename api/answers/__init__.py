"""Answers for people: what was found, how sure, what to do next; in the languages of the page."""
