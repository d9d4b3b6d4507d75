"""The doors: command line, HTTP, dataset scanning. Nothing is computed here."""
