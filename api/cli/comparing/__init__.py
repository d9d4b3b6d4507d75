"""The commands that compare collections: overlap, cue, replicas."""
