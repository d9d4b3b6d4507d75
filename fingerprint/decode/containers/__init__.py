"""The structure of audio files: where each stream begins and ends, without decoding."""
