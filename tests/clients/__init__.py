"""Real client libraries, unchanged, against the router in front of its simulator: `make test-clients`."""
