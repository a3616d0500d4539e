"""A cost-aware router in front of the Mistral API. docs/architecture.md shows the line a request takes."""

__version__ = "0.1.0"
