"""Lists of works without audio: received, answered by name at once, and stored if that is requested."""
