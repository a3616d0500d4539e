"""Anthropic's Messages API, translated onto the line that chat uses.

Contract: the types and the stream accumulator of `anthropic` 2.14.0, the SDK for Python, seen 2026-11.
"""
