"""Readers behind a border: what a library raises or dies of while it reads a source stays with the item."""
