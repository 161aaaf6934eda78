"""The assistant over HTTP: the fine-tuning API, chat as OpenAI's clients speak it, search, feedback, operations."""
