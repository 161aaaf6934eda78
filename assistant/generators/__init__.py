"""Generators: what turns a question and its passages into an answer, named by one string."""

from assistant.generators.load import load_generator, load_model

__all__ = ["load_generator", "load_model"]
