"""Follow-ups: a question that leans on earlier ones, as a question of its own."""

from assistant.rewrite.question import Rewritten
from assistant.rewrite.rules import standalone

__all__ = ["Rewritten", "standalone"]
