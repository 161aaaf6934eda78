"""What makes an English question lean on a text: the question in plain lower case, names in it as `¤`."""

from __future__ import annotations

import re

_TEXT = (
    r"(?:text|passage|excerpt|document|paragraph|context|article|author|snippet|chunk|table|section|page|writer|narrator|speaker|"
    r"extract|source|sources|reading)"
)
_GENERIC = (
    r"(?:application|app|software|tool|project|platform|system|service|product|program|programme|website|site|company|"
    r"organi[sz]ation|library|framework|server|database|movie|film|book|game|team|city|country|package|solution|agency|"
    r"institution|initiative|character|protagonist|study|group|man|woman|law)"
)
_ADJECTIVE = r"(?: (?:itself|in question))?"
# What follows says which one is meant.
_WHICH = r"(?!\s*(?:¤|\d|(?:of|that|which|who|whose|called|named|titled|entitled|known as|for|behind|used (?:by|to|for|in))\b))"
_POINTS = re.compile(
    r"\b(?:this|these)\b"
    r"|\b(?:of|in|for|with|by|from|about|to|on|at|does|do|did|is|was|are|were|can|could|will|would|has|had|like|after|before) that\b"
    r"(?! (?:which|are|is|was|were)\b)(?<!it is that)(?<!is it that)(?<!true that)"
    r"|\bthose\b(?! (?:who|that|which|of|with|in|whose|from|\w+ed|\w+ing)\b)"
    r"|\b(?:the|which) (?:following|aforementioned|above|below|given|provided|former|latter)\b"
    r"|\b(?:mentioned|described|listed|shown|discussed|provided|given|cited|stated)"
    r"(?: (?:here|above|below|earlier|previously|in the \w+))?\s*(?:\?|\.|$)"
    r"|\b(?:above|below)\s*(?:\?|$)|\baforementioned\b|\bhere\b|(?<!is )(?<!are )(?<!was )(?<!were )\bthere\s*(?:\?|$)"
)
_OPENS = re.compile(
    r"^(?:and|but|so|then|also|or|what about|how about|what else|who else|where else|why not|in addition|besides)\b"
    r"|\b(?:which|what) ones?\b(?!.*¤)|\bwhich of the (?:two|three|following|others)\b(?!.*¤)"
    r"|\b(?:the (?:two|three|same|other|others|first one|second one))\b(?!.*¤)(?! [a-z]{3})"
    r"|\b(?:what|which) other\b(?!.*\bthan\b)"
)
_TEXTS = re.compile(
    rf"\bthe (?:\w+ )?{_TEXT}s?\b{_WHICH}(?<!open source)"
    rf"|\b(?:according to|based on) the (?:{_TEXT[3:-1]}|information|data|answer)s?\b(?!\s*¤)"
)
_GENERICS = re.compile(rf"\bthe {_GENERIC}\b{_ADJECTIVE}(?:'s)?(?![-\w']){_WHICH}")

_EASE = (
    r"(?:true|false|possible|impossible|necessary|important|safe|legal|illegal|worth|okay|ok|easy|hard|difficult|better|best|normal|"
    r"common|likely|mandatory|required|recommended|advisable|useful|too late|known|allowed|permitted|forbidden|enough|essential|"
    r"compulsory|acceptable|wrong|right|good|bad)"
)
# `it` that stands for nothing: is it possible to, how long does it take to, what does it mean to.
_NOBODY = re.compile(
    rf"\b(?:is|was|would|will|can|could|does|did) it (?:be |not )?(?:\w+ )?{_EASE}\b"
    rf"|\bit(?:'s| is| was| would be| becomes) (?:\w+ )?{_EASE}\b"
    r"|\b(?:does|did|will|would|can|could|should|might) it (?:usually |generally |normally )?(?:take|cost|mean)\b"
    r"(?= .*\b(?:to|for|when|if|that)\b)"
    r"|\b(?:it|it usually|it generally) (?:takes?|took|costs?|means?)\b(?= .*\b(?:to|for|when|if|that)\b)"
    r"|\bis it (?:that|called when)\b"
)
_ARTICLED = (
    r"\b(?:an?|the|each|every|some|any|many|most|all|no|several|one|two|three|my|your|our) [\w-]+"
    r"|\b(?:someone|somebody|everyone|anyone|anybody|people|children)\b"
)
_VERB = re.compile(r"^\w+ \w+")
_MANY = r"\b(?!does\b|is\b|was\b|has\b|this\b|its\b|his\b|as\b|us\b|always\b|ones\b)\w{2,}[^s\W]s\b"
# A noun does not own what is said of it: `the port it listens on`, `the name of its founder`.
_OWNED = re.compile(r"\b(?:the|an?) [\w-]+(?:(?: [\w-]+)? (?:that|which|of|whom|where|(?:on|in|for) which))? *$")
_PRONOUN = re.compile(r"(?<![\w])(?:it|he|she|him|they|them|itself|himself|herself|themselves)\b")
_OWN = re.compile(r"(?<![\w])(?:its|his|her|hers|their|theirs)\b")
_ASKED = re.compile(
    r"^(?:\w+ )?(?:(?:which|what|whose) (?!is\b|are\b|was\b|were\b|does\b|do\b|did\b)\w+|who (?!is\b|are\b|was\b|were\b))"
)


def leans(marked: str) -> bool:
    """Whether the question leans on a text that is not there."""
    if any(pattern.search(marked) for pattern in (_POINTS, _OPENS, _TEXTS)):
        return True
    return _points_back(_NOBODY.sub("", marked)) or ("¤" not in marked and bool(_GENERICS.search(marked)))


def _points_back(text: str) -> bool:
    """Whether a pronoun or possessive has nothing before it to stand for."""
    for match in _PRONOUN.finditer(text):
        if not _stands(text[: match.start()], plural=match[0].startswith("the")):
            return True
    for match in _OWN.finditer(text):
        before = text[: match.start()]
        if not (_stands(before, plural=match[0].startswith("their")) or _ASKED.search(before)):
            return True
    return False


def _stands(before: str, *, plural: bool) -> bool:
    """Whether something is named that a pronoun after it can stand for."""
    if "¤" in before:
        return True
    rest = _OWNED.sub("", before)
    return re.search(_ARTICLED, rest) is not None or (plural and re.search(_MANY, _VERB.sub("", rest)) is not None)
