"""Mistral over HTTP: sending an attempt, relaying its answer, knowing how each model does."""
