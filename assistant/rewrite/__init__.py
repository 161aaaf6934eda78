"""Follow-ups: a question that leans on earlier ones, as a question of its own."""

from assistant.rewrite.question import Rewritten
from assistant.rewrite.rules import standalone
from assistant.rewrite.talk import is_small_talk

__all__ = ["Rewritten", "is_small_talk", "standalone"]
