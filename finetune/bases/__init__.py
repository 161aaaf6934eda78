"""Base models: which there are, where their files lie, and how they are loaded and spoken to."""
