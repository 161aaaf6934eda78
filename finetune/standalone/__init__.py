"""Whether a question can be understood without the text it was made from."""
