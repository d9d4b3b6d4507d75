"""From an item's bytes to its finding; shared by the command line, the server and the scan."""
