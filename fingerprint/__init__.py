"""Sound in, fingerprint out. Knows no store and no HTTP."""
