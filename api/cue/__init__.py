"""Play lists of long recordings: which recordings are played, from when to when."""
