"""The commands, one module for each subject; importing this package declares them all, in the order of the help."""

from assistant.commands import chat, ask, index, config, doctor  # isort: skip  (the order of the help)

__all__ = ["ask", "chat", "config", "doctor", "index"]
