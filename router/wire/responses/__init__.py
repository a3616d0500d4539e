"""OpenAI's Responses API, stateless: read into a chat request, answered in Responses objects and events.

The shapes are those of the `openai` package 3.54 (`openai/types/responses`, seen 2026-11).
"""
