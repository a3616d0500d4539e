"""The demonstration: a simulated upstream, a table of routed requests, and teams that go on asking."""
