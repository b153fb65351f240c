"""Tumours that push: elasticity, transport, and growth coupled to both."""
