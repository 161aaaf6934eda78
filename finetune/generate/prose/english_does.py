"""English: what something provides, and who made what."""

from __future__ import annotations

import re

from finetune.generate.prose.english import Clause, agent, single
from finetune.generate.prose.english_words import BASE, NO_AGENT
from finetune.generate.prose.found import Found, forms
from finetune.generate.prose.subjects import standalone

_TALK = re.compile(r"\b(?:also|then|therefore|thus|however|still|again|instead|only|already|now|later|even)\b")
_OFFERS = {"provides": "provide", "offers": "offer"}

_MAKES = frozenset(
    "founded created designed invented discovered developed launched wrote composed "
    "introduced built published established "
    "co-founded painted directed".split()
)


def offers(parts: Clause) -> list[Found]:
    """`What does OpenSSH provide?`"""
    base = _OFFERS.get(parts.verb)
    core = parts.core
    if (
        not base
        or parts.date
        or len(parts.rest.split()) < 3
        or not single(core)
        or not standalone(core, "en")
        or _TALK.search(core)
    ):
        return []
    about = parts.subject.text
    return forms("definition", base, parts.rest, about, [f"What does {about} {base}?"])


def made(parts: Clause, original: str) -> list[Found]:
    """`Who developed Elm?` where a name `developed Elm`."""
    if parts.verb not in _MAKES or parts.verb not in BASE or parts.date or parts.subject.page:
        return []
    thing, maker = agent(parts.rest), original.split(f" {parts.verb} ")[0]
    words = maker.lower().split()
    if not thing or not re.match(r"the |[A-Z]", thing) or "(" in maker or any(w in NO_AGENT for w in words):
        return []
    if (
        not single(parts.core)
        or not standalone(parts.core, "en")
        or _TALK.search(parts.core)
        or re.search(r"\band\b", thing)
        or parts.rest[len(thing) :].startswith((",", " and ", " (", " as "))
        or any(word in BASE for word in parts.core.split())
    ):
        return []
    return forms("who", "made", maker, f"{thing} {parts.verb}", [f"Who {parts.verb} {thing}?"])
