"""What `mistral-router` can do, one module a command."""
