"""A trained model in other forms than the run it came from."""
