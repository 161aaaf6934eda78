"""English words that point back: pronouns, possessives, demonstratives, and what makes them point nowhere."""

from __future__ import annotations

import re

from assistant.rewrite.fields import is_general
from assistant.rewrite.names import names
from assistant.rewrite.question import Asked, Rewritten, tidy
from assistant.rewrite.words import content, keys

_REFERENCE = re.compile(
    r"\b(?:(?P<owner>its|their|his|hers|theirs)|(?P<person>he|she|him)|(?P<her>her)|(?P<it>it|they|them)|"
    r"(?P<this>this|that|these|those)|(?P<one>ones?)|"
    r"(?P<latter>the (?:former|latter)(?=\s*(?:$|[?.!,]|(?:is|was|are|were|one|do|does|did|has|have|had|be|can|and)\b))))\b(?!')"
)
_AUX = (
    r"(?:do|does|did|is|was|are|were|has|have|had|can|could|will|would|shall|should|may|might|must|"
    r"isn't|wasn't|doesn't|didn't|aren't|don't|can't)"
)
_EASE = (
    "true|possible|impossible|necessary|important|safe|legal|illegal|worth|okay|ok|easy|hard|difficult|better|best|normal|"
    "common|likely|mandatory|required|good|bad|a good idea|a bad idea|advisable|useful|too late|fair|wrong|right|"
    "recommended|free|known|said|believed|thought|determined|decided|discovered|called"
)
# "is it possible to", "it takes 3 hours to", "what does it mean for", "it is raining", "what time is it".
_EXPLETIVE_AFTER = re.compile(
    rf"^(?:(?:'s| is| was| be| would be| seems?)?(?: (?:not|really|still|so|very|always|ever))? (?:{_EASE})"
    r"(?: for \w+(?: \w+)?)? (?:to|that|if|when|whether|how|\w+ing)\b"
    r"| (?:takes?|took) (?:[\w-]+ ){0,8}to\b| means? (?:to|when|if|for|that)\b"
    r"| \d|(?:'s| is| was)? ?(?:rain|snow|hail|freez)\w*| (?:rains?|snows?)\b)"
)
_EXPLETIVE_BEFORE = re.compile(
    r"\b(?:what (?:time|day|year)|how (?:hot|cold|warm|late|sunny|windy|dark)) (?:is|was)\s*$"
)
_STATED = re.compile(r"\bwho (?:decided|said|says|told|announced|confirmed|approved|proved|claimed|thinks|knows)\s*$")
_TO_DO = re.compile(r"^(?:how )?to (?P<verb>[a-z]+)(?: (?:it|them))\b(?P<more>.{0,40}?)\s*[?.!]*$")
_NOUN_BEFORE = re.compile(
    r"\b(?:the|a|an|my|your|our|each|every|some|any|another|this|that|two|three|all)\s+(?!of\b)[a-z]+|"
    r"\b(?:someone|somebody|everyone|people)\b"
)
_WH_NOUN = re.compile(
    rf"\b(?:which|what|whose|how many|how much)\s+(?!{_AUX}\b)[a-z]+",
)
_MAY_POINT = (
    "about|like|of|for|with|after|before|by|than|from|in|into|to|at|on|during|under|why|how|what|when|if|and|or|not|all|"
    "use|mean|explain|define|just"
)
_DEMONSTRATIVE_BEFORE = re.compile(rf"(?:^|[,;:]|\b(?:{_AUX}|{_MAY_POINT}))\s*$")
_PRONOUN_AFTER = re.compile(
    rf"^\s*(?:$|[?.!,;]|(?:{_AUX}|be|been|means?|works?|happen\w*|causes?|affects?|true|correct|right|possible|still|also|"
    r"for|in|to|with|of|on|at|from|by|as|the|a|an|apply|applies|helps?|change\w*|make\w*|so|better|good|bad|not|start\w*|"
    r"end\w*|come|differ|compare|and|or)\b)"
)
_TIME = re.compile(
    r"\s+(?:year|month|week|weekend|day|morning|evening|afternoon|night|season|decade|century|moment|kind|sort|type|many|"
    r"much|long|far)s?\b"
)
_ONE_BEFORE = re.compile(
    r"\b(?:another|this|that|other|better|best|new|create|get|use|need|make|buy|have|want|find|choose|latest)\s*$"
)
_ONE_AFTER = re.compile(r"\s*(?:$|[?.!,]|(?:is|do|for|should|would|has)\b)")
_OBJECT_AFTER = re.compile(r"\s+(?!(?:to|in|for|and|with|as|at|on)\b)[a-z]")
_THEN = re.compile(r"\b(?:back then|at (?:that|the) time|in those days|there)\s*[?.!]*$")
_BE = re.compile(r"\b(?:is|are|was|were|be|been|get|out|over)\s*$")
_OPENING = frozenset(
    "what which who whom whose when where why how is are was were do does did has have had can could will would shall "
    "should may might must i you we they he she it its his her their this that these those the a an any no not in on at "
    "for from with by during after before since if and or but so then also please tell give show list name explain "
    "describe talking speaking aren isn".split()
)
GENERIC = frozenset(
    "application app project product service software tool system platform program programme website site company "
    "organization organisation team document sheet book film movie song series show game album startup solution "
    "initiative library language framework database server".split()
)
"""Nouns that say what kind of thing is meant, and not which."""


def resolve(asked: Asked) -> Rewritten | None:
    """The question with its first word that points out of it replaced by what it points to."""
    for match in _REFERENCE.finditer(asked.plain):
        kind = match.lastgroup or ""
        before, after = asked.plain[: match.start()], asked.plain[match.end() :]
        if _aside(asked, before, after):
            continue
        if kind == "this":
            if made := _demonstrative(asked, match, before, after):
                return made
        elif kind == "one":
            if _ONE_BEFORE.search(before) and _ONE_AFTER.match(after):
                return asked.replaced(match.span(), asked.topic, "pronoun")
        elif kind == "latter" or not _inside(asked, kind, before, after):
            return _replaced(asked, match, kind, after)
    return _then(asked)


def _replaced(asked: Asked, match: re.Match[str], kind: str, after: str) -> Rewritten:
    person = kind in ("person", "her") or match[0] in ("his", "hers")
    owner = kind == "owner" or (kind == "her" and _OBJECT_AFTER.match(after) is not None)
    who = (asked.past.person if person else "") or asked.topic
    return asked.replaced(match.span(), f"{who}'s" if owner else who, "possessive" if owner else "pronoun")


def _aside(asked: Asked, before: str, after: str) -> bool:
    """Whether the word stands in a remark before the question, or behind one that says what is meant."""
    if (end := re.search(r"[.!](?=\s+\w)", after)) and "?" not in after[: end.start()]:
        return True
    parts = re.split(r"(?<=[.!?])\s+", before)
    return len(parts) > 1 and len(content(" ".join(parts[:-1]), asked.language)) >= 2


def _inside(asked: Asked, kind: str, before: str, after: str) -> bool:
    """Whether the word points to something in the question itself, or to nothing."""
    if _STATED.search(before):
        return True
    if kind == "it" and (_EXPLETIVE_AFTER.match(after) or _EXPLETIVE_BEFORE.search(before)):
        return True
    if asked.opened_by_name(len(before), _OPENING) or _NOUN_BEFORE.search(before):
        return True
    if names(asked.text[: len(before)], asked.language):
        return True
    if kind == "owner":
        return bool(_WH_NOUN.search(before) or re.match(r"who (?!(?:is|was|are|were)\b)", before))
    inverted = re.search(rf"\b{_AUX}\s*$", before) is not None
    return not inverted and _WH_NOUN.search(before) is not None


def _demonstrative(asked: Asked, match: re.Match[str], before: str, after: str) -> Rewritten | None:
    noun = re.match(r"\s+([a-z-]+)", after)
    generic = noun is not None and noun[1] in GENERIC
    if match[0] == "that" and not generic and not _DEMONSTRATIVE_BEFORE.search(before):
        return None  # "the church that …", "said that …"
    if _TIME.match(after) or _NOUN_BEFORE.search(before) or _STATED.search(before):
        return None
    if _PRONOUN_AFTER.match(after):
        return asked.replaced(match.span(), asked.topic, "pronoun")
    if noun is None or asked.own_names:
        return None
    if generic or noun[1] in keys(asked.topic):
        return asked.replaced((match.start(), match.end() + noun.end()), asked.topic, "description")
    return None if is_general(after) else asked.about("description")


def to_do(asked: Asked) -> Rewritten | None:
    """As in "and to restore it?"."""
    match = _TO_DO.match(asked.plain)
    if match is None:
        return None
    verb, more = (asked.text[slice(*match.span(part))] for part in ("verb", "more"))
    return Rewritten(tidy(f"how to {verb} {asked.topic}{more}?", "en"), "pronoun")


def _then(asked: Asked) -> Rewritten | None:
    """As in "population back then", "who lives there?"."""
    match = _THEN.search(asked.plain)
    if match is None or asked.own_names or (match[0].startswith("there") and _BE.search(asked.plain[: match.start()])):
        return None
    return asked.appended(f"in {asked.topic}", "time or place")
