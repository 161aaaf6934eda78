"""Measurements of dyag, each against a named peer in the same run; every script says what it measures."""
