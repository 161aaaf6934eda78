"""The journal: conversations, and what people think of the answers."""
