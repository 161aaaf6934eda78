"""An English question inside a sentence, where its subject stands before the verb.

"What is the port of Redis"  ->  "what the port of Redis is";  "Does Caddy support HTTP/3"  ->  "whether Caddy supports HTTP/3"
"""

from __future__ import annotations

import re

from finetune.augment.english_verbs import PARTICIPLES, PREDICATES, VERBS
from finetune.augment.english_words import BLOCKED, PAST
from finetune.augment.masked import MASK, NAME

_PREPOSITION = r"(?:in|on|at|for|from|by|with|of|to|under|about|since|through|during|after|into|until)"
_WH = rf"(?:{_PREPOSITION} )?(?:what|which|who|whom|whose|where|when|why|how)\b"
_AUX = r"(?:is|are|was|were|has|have|had|can|could|will|would|should|must|may|might)"
_NAMES = rf"(?:the |an? )?{NAME}(?:'s {NAME})?(?:(?:,? and |, | or | of | in ){NAME})*"
"""One name or several; what a verb after it belongs to is never in doubt."""
_PRONOUN = r"(?:I|you|we|one|people|users|it|they)\b"
_THERE = re.compile(rf"(?P<wh>{_WH}[^,]*? )?(?P<aux>is|are|was|were) there\b(?P<rest>.*)$")
_DO = re.compile(
    rf"(?P<wh>{_WH}[^,]*? )?(?P<do>do|does|did) (?P<subject>{_NAMES}|{_PRONOUN}) (?P<verb>[a-z]+)(?P<rest>\b.*)$"
)
_BE = re.compile(rf"(?P<wh>{_WH}(?: [^,]*?)? )?(?P<aux>{_AUX}) (?P<subject>{_NAMES}|{_PRONOUN})(?P<rest>(?: .*)?)$")
_THING = re.compile(
    rf"(?P<wh>(?:what|who|where)) (?P<aux>is|are|was|were) (?P<thing>(?:(?:the|an?|one of the) |{MASK}).+)$"
)
_ANY_AUX = re.compile(rf"\b(?:{_AUX}|do|does|did)\b(?! (?:not|n't))")
_MORE = re.compile(rf"\b(?:\w{{2,}}ed|\w{{3,}}ing|from|with|by|on|at|as|for(?! (?:the|an?|{MASK})))\b")
"""What may be said of a thing, and not be a part of its name."""
_LINKS = frozenset(
    "in for to a an the no most more new first last public private local free open common modern present".split()
)
_RELATIVE = re.compile(r"\b(?:that|which|who|whose|where|when|to)\b|,")


def indirect(question: str) -> str | None:
    """The question as it stands behind "I'd like to know"; None where that is not sure to be right."""
    question = re.sub(r"^(what|who|where|when|how)['’]s ", r"\1 is ", question)
    if re.match(r"how (?:to|come|about)\b|what (?:if|about|to)\b|who(?:m|se)? (?:to|all)\b", question):
        return question if re.match(r"how to \w|what to \w", question) else None
    if found := _THERE.match(question):
        return f"{found['wh'] or 'whether '}there {found['aux']}{found['rest']}"
    if found := _DO.match(question):
        return _with_do(found)
    asks = re.match(_WH, question)
    if asks and (said := _thing(question)):
        return said
    if found := _BE.match(question):
        return _with_be(found)
    return question if asks and _is_subject(question, asks.end()) else None


def _with_do(found: re.Match[str]) -> str | None:
    if re.search(rf"\b{_AUX}\b", found["wh"] or ""):
        return None
    verb = inflected(found["verb"], found["do"], found["subject"])
    return f"{found['wh'] or 'whether '}{found['subject']} {verb}{found['rest']}" if verb else None


def inflected(verb: str, do: str, subject: str) -> str:
    """The verb without its "do": `support` with "does" is `supports`; empty for what is no verb that is known."""
    if verb not in VERBS:
        return ""
    if do == "did":
        return PAST.get(verb) or (f"{verb}d" if verb.endswith("e") else re.sub(r"(?<=[^aeiou])y$", "i", verb) + "ed")
    if do == "do":
        return verb
    if verb in ("have", "do", "go"):
        return {"have": "has", "do": "does", "go": "goes"}[verb]
    if re.search(r"[^aeiou]y$", verb):
        return f"{verb[:-1]}ies"
    return f"{verb}es" if re.search(r"(?:s|x|z|ch|sh)$", verb) else f"{verb}s"


def _thing(question: str) -> str | None:
    """ "What is the port of X" as "what the port of X is", where the thing is all that follows."""
    found = _THING.match(question)
    if found is None:
        return None
    thing = found["thing"]
    if len(thing.split()) > 10 or _RELATIVE.search(thing) or _MORE.search(thing):
        return None
    words = re.findall(r"[a-z]+", thing)
    if set(words) & (BLOCKED - {"and", "or"}) or re.match(rf"{_NAMES} (?!of\b|and\b|in\b)[a-z]", thing):
        return None
    if re.search(r"^in\b| in$", thing) or any(word in PREDICATES - _LINKS for word in words):
        return None
    return f"{found['wh']} {thing} {found['aux']}"


def _with_be(found: re.Match[str]) -> str | None:
    wh, subject, rest = found["wh"] or "whether ", found["subject"], found["rest"]
    if _ANY_AUX.search(wh):
        return None
    if subject in ("it", "they") or (wh == "whether " and not rest) or not _is_said(found["aux"], rest):
        return None
    if wh == "whether " and " or " in rest:
        return None
    return f"{wh}{subject} {found['aux']}{rest}"


def _is_subject(question: str, end: int) -> bool:
    """Whether the question word, with its noun, is what the verb speaks of: "which team maintains Redis"."""
    aux = _ANY_AUX.search(question, end)
    if re.match(rf"(?:why|how|where|when)\b(?! many\b| much\b)|{_PREPOSITION} ", question):
        return False
    if aux is None:
        return re.match(r" (?:many |much )?[a-z]+(?: [a-z]+)* ?", question[end:]) is not None
    if aux[0] in ("do", "does", "did") or _RELATIVE.search(question[end : aux.start()]):
        return False
    rest = question[aux.end() :]
    return rest != "" and not re.match(r" (?:an?|the|to|most|more|no|so) ", rest) and _is_said(aux[0], rest)


def _is_said(aux: str, rest: str) -> bool:
    """Whether what follows a subject and its "is" is not a part of the subject: no noun, no name."""
    word = rest.strip().split(" ")[0].strip(",")
    if not rest or aux not in ("is", "are", "was", "were"):
        known = PARTICIPLES if aux in ("has", "have", "had") else VERBS
        return not rest or word in known or (known is PARTICIPLES and word.endswith("ed"))
    return word in PREDICATES or re.search(r"[a-z](?:ed|ing|ly)$", word) is not None
