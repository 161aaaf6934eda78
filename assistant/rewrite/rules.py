"""Whether a question leans on earlier ones, and what it is as one of its own; the first rule that fits counts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.generators.base import Turn
from assistant.rewrite import english, french
from assistant.rewrite.bare import bare_wh
from assistant.rewrite.descriptions import compared, described, partly_named
from assistant.rewrite.fragments import correction, fragment, led
from assistant.rewrite.fronted import fronted
from assistant.rewrite.names import names
from assistant.rewrite.question import Asked, Rewritten
from assistant.rewrite.talk import asks_more, is_remark
from assistant.rewrite.topic import READ, REMEMBERED, holds, recall
from assistant.rewrite.words import content, plain, split
from retrieval.text import detect_language
from retrieval.types import Language

LONGEST_QUESTION = 300
"""Characters; a longer one says what it is about."""
LONGEST = 400
"""Characters of what is searched."""
SHORT = 2
"""Content words of a question that may lean without any sign of it."""

_OPENER = re.compile(
    r"^(?:(?:bonjour|hello|hi|hey|salut|ok|okay|great|thanks|thank you|cool|nice|well|oh|ah|yes|oui|merci|d'accord|tres bien|"
    r"bien|super|parfait|entendu|"
    r"bon|right|sure|one last thing|(?P<link>and|so|then|also|but|et|alors|donc|mais|sinon|du coup|puis))(?:[\s,!.:;…]+|$))+"
)
_SHIFT = re.compile(
    r"\b(?:chang\w+ (?:the |a little(?: bit)? (?:of )?|of )*subject|autre (?:sujet|question|chose)(?=\s*[:,])|rien a voir|"
    r"changeons de sujet|(?:speaking|talking) (?:about|of)|unrelated|en parlant de|a propos de|going back to)\b"
)


def standalone(question: str, history: Sequence[Turn], language: Language | None = None) -> Rewritten | None:
    """The question as one of its own when it leans on earlier turns (oldest first); None when it stands alone.

    One line of at most LONGEST characters, which stands alone by the same rules.
    """
    question = " ".join(question.split())
    if not history or not question or len(question) > LONGEST_QUESTION:
        return None
    spoken = language or spoken_in(question, history)
    made = _once(question, history, spoken)
    if made and (again := _once(made.text, history, spoken)):
        made = Rewritten(again.text, made.reason)  # "And what is it for?": what was left of it leaned too
    if made is None or len(made.text) > LONGEST or not content(made.text, spoken):
        return None
    # By the language it would be taken for, too: what is rewritten again and again was not understood.
    settled = all(_once(made.text, history, other) is None for other in {spoken, spoken_in(made.text, history)})
    return made if settled else None


def may_lean(question: str, history: Sequence[Turn], language: Language | None = None) -> bool:
    """Whether a model should be asked: the rules would rewrite the question, or it is short and names nothing."""
    spoken = language or spoken_in(question, history)
    short = len(content(question, spoken)) <= SHORT and not names(question, spoken) and not is_remark(question)
    return short or standalone(question, history, language) is not None


def spoken_in(question: str, history: Sequence[Turn]) -> Language:
    """The language of a question; one that could be either is asked in that of the turns before."""
    earlier = ((turn.searched or turn.question)[:READ] for turn in reversed(history[-REMEMBERED:]))
    for text in (question, *earlier):
        if (found := detect_language(text, default="fr")) == detect_language(text, default="en"):
            return found
    return "fr"


def _once(question: str, history: Sequence[Turn], language: Language) -> Rewritten | None:
    past, low = recall(history, language), plain(question)
    if past is None or _SHIFT.search(low):
        return None
    opener = _OPENER.match(low)
    rest = question[opener.end() :] if opener else question
    if not split(rest) or holds(rest, past.topic.text, language):
        return None
    if is_remark(question) or is_remark(rest):
        return Rewritten(past.topic.text, "more") if asks_more(rest) and not past.refused else None
    asked = Asked(rest, language, past, linked=bool(opener and opener["link"]))
    own, made = fronted(asked)
    return made if own else _first(asked)


def _first(asked: Asked) -> Rewritten | None:
    """What the first rule that fits makes of it."""
    spoken = french if asked.language == "fr" else english
    rules = (correction, spoken.to_do, led, bare_wh, spoken.resolve, compared, partly_named, fragment, described)
    if not asked.past.refused:
        return next((made for rule in rules if (made := rule(asked))), None)
    # Nothing was answered yet: another name may be asked the same, and no more.
    made = correction(asked) or led(asked)
    return made if made and not holds(made.text, asked.topic, asked.language) else None
