"""Follow-ups rewritten by a language model, checked; what does not pass the check is rewritten by the rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from assistant.generators.base import ChatModel, Cut, Options, Turn
from assistant.generators.models.steady import steady
from assistant.prompts import Prompts
from assistant.prompts.fence import harmless
from assistant.rewrite.question import Rewritten
from assistant.rewrite.rules import LONGEST, LONGEST_QUESTION, may_lean, spoken_in, standalone
from assistant.rewrite.words import content, keys
from retrieval.errors import GeneratorFailed
from retrieval.text import detect_language
from retrieval.types import Language

OPTIONS = Options(temperature=0.0, max_tokens=80, timeout=8.0)
TURNS = 4
"""Earlier turns a model is shown."""
ANSWER = 300
"""Characters it is shown of each answer."""
KNOWN = 0.5
"""Share of the content words of a rewrite that the conversation must hold; a model that answers says new ones."""

_CITATION = re.compile(r"\s*\[[^\]]*\]")
_LABEL = re.compile(
    r"^(?:[-*>#]+\s*)?(?:[\w' ]{0,30}\bquestion\b[\w' éèà]{0,25}|rewritten|reformulation|r[ée]ponse)\s*:\s*",
    re.IGNORECASE,
)
_ANSWERS = re.compile(r"\[?chunk_\d|[.!]\s+\S.*[.!]$")


@dataclass(frozen=True)
class ModelRewriter:
    """Asks a model, when a question may lean on what came before; the rules stand in when it fails."""

    model: ChatModel
    prompts: Prompts
    options: Options = OPTIONS

    def __call__(self, question: str, history: Sequence[Turn], language: Language | None = None) -> Rewritten | None:
        """As `standalone`; never raises what the model raises."""
        question = " ".join(question.split())
        if not history or len(question) > LONGEST_QUESTION or not may_lean(question, history, language):
            return None
        spoken = language or spoken_in(question, history)
        by_rules = standalone(question, history, language)
        said = checked(self._said(question, history, spoken), question, history, spoken)
        # A model that copies a question that leans has not understood what to do.
        return Rewritten(said, "model") if said and keys(said) != keys(question) else by_rules

    def _said(self, question: str, history: Sequence[Turn], language: Language) -> str:
        """What the model says; nothing when it fails or is broken off."""
        messages = self.prompts.rewrite[language].messages(history=told(history), question=question)
        said = ""
        try:
            with closing(steady(self.model, messages, self.options)) as pieces:
                for piece in pieces:
                    if isinstance(piece, Cut):
                        return ""
                    said += piece
                    if "\n" in said.strip() or len(said) > 2 * LONGEST:
                        break
        except GeneratorFailed:
            return ""
        return said


def told(history: Sequence[Turn]) -> str:
    """The last turns as a model reads them, a line each for question and answer."""
    lines = []
    for turn in history[-TURNS:]:
        answer = harmless(" ".join(_CITATION.sub("", turn.answer).split()))
        lines += [f"- {turn.searched or turn.question}", f"  {answer[:ANSWER]}".rstrip()]
    return "\n".join(line for line in lines if line)


def checked(said: str, question: str, history: Sequence[Turn], language: Language) -> str:
    """The rewrite in what a model said; empty when that is no question of this conversation."""
    first = next((line.strip() for line in said.splitlines() if line.strip()), "")
    text = " ".join(_LABEL.sub("", first).strip(" \t\"'«»“”*_`").split())
    if not text or len(text) > LONGEST or _ANSWERS.search(text):
        return ""
    if not text.endswith("?") and (question.endswith("?") or text.endswith((".", ":", "!"))):
        return ""
    if detect_language(text, default=language) != language:
        return ""
    known = keys(question).union(*(keys(f"{t.question} {t.searched} {t.answer} {' '.join(t.titles)}") for t in history))
    matter = [w.key for w in content(text, language)]
    return text if matter and sum(key in known for key in matter) >= KNOWN * len(matter) else ""
