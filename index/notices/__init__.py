"""Watched works, the notices about them, and the delivery of notices."""
