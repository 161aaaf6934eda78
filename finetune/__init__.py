"""Examples, datasets, base models, training and runs. Imports `retrieval` only."""
