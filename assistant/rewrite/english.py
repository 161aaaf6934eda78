"""English words that point back: pronouns, possessives, demonstratives, and what makes them point nowhere."""

from __future__ import annotations

import re

from assistant.rewrite.question import Asked, Rewritten
from assistant.rewrite.words import content, names

_REFERENCE = re.compile(
    r"\b(?:(?P<owner>its|their|his|hers|theirs)|(?P<person>he|she|him)|(?P<her>her)|(?P<it>it|they|them)|"
    r"(?P<this>this|that|these|those)|(?P<one>ones?)|(?P<latter>the (?:former|latter)))\b(?!')"
)
_AUX = r"(?:do|does|did|is|was|are|were|has|have|had|can|could|will|would|shall|should|may|might|must|isn't|wasn't|doesn't|didn't|aren't|don't|can't)"
_EASE = (
    "true|possible|impossible|necessary|important|safe|legal|illegal|worth|okay|ok|easy|hard|difficult|better|best|normal|common|likely|"
    "mandatory|required|good|bad|a good idea|a bad idea|advisable|useful|too late|fair|wrong|right|recommended|free|known|said|believed|thought"
)
# "is it possible to", "it takes 3 hours to", "what time is it", "does it rain", "it is raining".
_EXPLETIVE_AFTER = re.compile(
    rf"^(?:(?:'s| is| was| be| would be| seems?)?(?: (?:not|really|still|so|very|always|ever))? (?:{_EASE})(?: for \w+(?: \w+)?)? (?:to|that|if|when|whether|\w+ing)\b"
    r"| (?:takes?|took) (?:\w+ ){0,3}to\b|(?:'s| is| was)? ?(?:rain|snow|hail|freez)\w*|(?: rains?| snows?)\b)"
)
_EXPLETIVE_BEFORE = re.compile(r"\bwhat (?:time|day|year) (?:is|was)\s*$")
_NOUN_BEFORE = re.compile(
    r"\b(?:the|a|an|my|your|our|each|every|some|any|another|this|that|two|three|all)\s+(?!of\b)[a-z]{2,}|\b(?:someone|somebody|everyone|people)\b"
)
_PLURAL_BEFORE = re.compile(
    r"\b(?!(?:was|does|is|has|this|its|as|us|yes|his|happens|works|means|makes|says|gets|uses|takes|various|across)\b)[a-z]{3,}[^s\W]s\b"
)
_WH_NOUN = re.compile(
    r"\b(?:which|what|whose|how many|how much)\s+(?!is\b|are\b|was\b|were\b|do\b|does\b|did\b|can\b|could\b|will\b|would\b|should\b|has\b|have\b|had\b)[a-z]+"
)
_DEMONSTRATIVE_BEFORE = re.compile(
    rf"(?:^|[,;:]|\b(?:{_AUX}|about|like|of|for|with|after|before|by|than|from|in|into|to|at|on|during|under|why|how|what|when|if|and|or|not|all|use|mean|explain|define|just))\s*$"
)
_PRONOUN_AFTER = re.compile(
    r"^\s*(?:$|[?.!,;]|(?:is|was|are|were|means?|works?|happen\w*|do|does|did|has|have|had|be|been|can|could|will|would|should|causes?|affects?|true|correct|right|"
    r"possible|still|also|for|in|to|with|of|on|at|from|by|as|the|a|an|apply|applies|helps?|change\w*|make\w*|so|better|good|bad|not|start\w*|end\w*|come|differ|compare|and|or)\b)"
)
_TIME = r"(?:year|month|week|weekend|day|morning|evening|afternoon|night|season|decade|century|moment|kind|sort|type|many|much|long|far)s?\b"
_ONE_BEFORE = re.compile(
    r"\b(?:which|another|this|that|other|better|best|new|create|get|use|need|make|buy|have|want|find|choose|cheapest|latest)\s*$"
)
_THEN = re.compile(r"\b(?:back then|at (?:that|the) time|in those days|there)\s*[?.!]*$")
_BE_THERE = re.compile(r"\b(?:is|are|was|were|be|been|get|out|over)\s*$")


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
            continue
        if kind == "one" and not (
            _ONE_BEFORE.search(before) and re.match(r"\s*(?:$|[?.!,]|is\b|do|for\b|should\b|would\b|has\b)", after)
        ):
            continue
        if kind in ("it", "person", "owner", "her") and _inside(asked, kind, before, after):
            continue
        who = asked.past.person if kind in ("person", "her") or match[0] in ("his", "hers") else ""
        owner = kind == "owner" or (
            kind == "her" and re.match(r"\s+(?!to\b|in\b|for\b|and\b|with\b|as\b)[a-z]", after) is not None
        )
        return asked.replaced(
            match.span(), (who or asked.topic) + ("'s" if owner else ""), "possessive" if owner else "pronoun"
        )
    if (match := _THEN.search(asked.plain)) and not asked.own_names:
        if match[0].startswith("there") and _BE_THERE.search(asked.plain[: match.start()]):
            return None
        return asked.appended(f"in {asked.topic}", "time or place")
    return None


def _aside(asked: Asked, before: str, after: str) -> bool:
    """Whether the word stands in a remark before the question, or behind one that says what is meant."""
    if (end := re.search(r"[.!](?=\s+\w)", after)) and "?" not in after[: end.start()]:
        return True
    parts = re.split(r"(?<=[.!?])\s+", before)
    return len(parts) > 1 and len(content(" ".join(parts[:-1]), asked.language)) >= 2


def _inside(asked: Asked, kind: str, before: str, after: str) -> bool:
    """Whether the word points to something in the question itself, or to nothing."""
    if kind == "it" and (_EXPLETIVE_AFTER.match(after) or _EXPLETIVE_BEFORE.search(before)):
        return True
    if names(asked.text[: len(before)], asked.language) or _NOUN_BEFORE.search(before):
        return True
    first = asked.words[0]
    if first.text[:1].isupper() and first.key not in _OPENING and first.end <= len(before):
        return True  # "Redis: what is its port?"
    if kind in ("it", "owner") and _PLURAL_BEFORE.search(before) and (asked.plain[len(before) :].startswith("the")):
        return True
    inverted = re.search(rf"\b{_AUX}\s*$", before) is not None
    return (
        bool(_WH_NOUN.search(before))
        and not inverted
        or (kind == "owner" and re.match(r"who (?!is\b|was\b|are\b|were\b)", before) is not None)
    )


def _demonstrative(asked: Asked, match: re.Match[str], before: str, after: str) -> Rewritten | None:
    if match[0] == "that" and not _DEMONSTRATIVE_BEFORE.search(before):
        return None  # "the church that …", "said that …"
    if re.match(rf"\s+{_TIME}", after) or _NOUN_BEFORE.search(before):
        return None
    if _PRONOUN_AFTER.match(after):
        return asked.replaced(match.span(), asked.topic, "pronoun")
    noun = re.match(r"\s+([a-z-]+)", after)
    if noun is None or asked.own_names:
        return None
    end = match.end() + noun.end()
    if noun[1] in GENERIC or noun[1].rstrip("s") in {w.rstrip("s") for w in asked.topic.lower().split()}:
        return asked.replaced((match.start(), end), asked.topic, "description")
    return asked.about("description")


_OPENING = frozenset(
    "what which who whom whose when where why how is are was were do does did has have had can could will would shall should may might must i you we they he she it "
    "its his her their this that these those the a an any no not in on at for from with by during after before since if and or but so then also please tell give show "
    "list name explain describe talking speaking are isn't".split()
)
GENERIC = frozenset(
    "application app project product service software tool system platform program programme website site company organization organisation team document sheet "
    "book film movie song series show game album startup solution initiative movement library language framework database server one thing".split()
)
