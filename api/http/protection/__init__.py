"""What each request passes first: host and origin checks, API keys, connection limits."""
