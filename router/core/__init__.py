"""Decisions: pure functions over frozen data. No I/O, no clock, no randomness: `now` and `jitter` come as arguments."""
