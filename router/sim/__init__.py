"""A simulated Mistral API: an independent judge that answers, fails and bills as the documented and recorded API does.

It imports nothing of the router, so that a mistake in the router cannot hide behind the same mistake here.
"""
