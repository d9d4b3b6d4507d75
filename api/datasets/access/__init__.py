"""Where bytes are and how they are read: local files, remote files, compressed streams."""
