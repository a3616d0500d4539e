"""Speed as ratios: this router against nginx as a bare proxy, on one machine, in one run. `python -m tests.bench`."""
