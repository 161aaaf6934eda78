"""Datasets put together: where documents come from, how the product's prompts frame a row, which method makes examples."""
