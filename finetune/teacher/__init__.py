"""Questions and answers written by a language model, the teacher: grounded in a chunk, checked by search and a second answer."""
