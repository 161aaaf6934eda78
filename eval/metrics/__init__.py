"""Metrics: each a small function of an answer and its gold."""
