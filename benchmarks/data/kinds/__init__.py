"""Test material of many kinds: sounds that share a maker (a voice, a kit, a chip) but no recording."""
