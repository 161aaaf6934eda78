"""Language models, by provider, and what goes wrong with them."""
