"""Watched works, their notices and the delivery of these over HTTP, and the page of one's own works."""
