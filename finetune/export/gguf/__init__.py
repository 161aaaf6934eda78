"""A model as a GGUF file, which llama.cpp and Ollama serve."""
