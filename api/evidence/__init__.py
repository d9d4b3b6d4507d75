"""Evidence for people: thumbnails and reports."""
