"""The built-in generator, which answers from the passages themselves, with no model."""
