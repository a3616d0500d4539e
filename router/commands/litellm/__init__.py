"""From the configuration of LiteLLM's proxy to ours: read, understood, written, and nothing lost silently."""
