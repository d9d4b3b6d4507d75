"""The commands that compare collections, or one recording with them: overlap, cue, replicas."""
