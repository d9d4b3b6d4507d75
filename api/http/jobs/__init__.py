"""Jobs of the server: lanes, workers, heartbeat, findings."""
