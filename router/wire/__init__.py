"""Formats: what apps send, what Mistral takes and answers. Pure: no I/O, no clock, no randomness."""
