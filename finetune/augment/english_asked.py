"""What an English question asks without its courtesies.

"Can you tell me the port of X"  ->  "what is the port of X";  "For X, who is the founder"  ->  "who is the founder of X"
"""

from __future__ import annotations

import re

from finetune.augment.masked import NAME

_CAN = r"(?:can|could|would) you (?:please )?"
_TELL = rf"(?:{_CAN}(?:tell me|let me know) |do (?:you|we) know |tell me |please tell me |I(?:'d| would) like to know |I need to know )"
_ASKED = re.compile(rf"{_TELL}(?P<wh>what|who) (?P<thing>the [^,]+ (?:of|for) {NAME}) (?P<is>is|are)$")
_SUBJECT = re.compile(
    rf"{_TELL}(?P<asked>who (?:created|founded|hosts|maintains|wrote|developed|owns|runs|sponsors) .+)$"
)
_GIVE = re.compile(
    rf"(?:{_CAN}(?:tell me|give me|state|list|name) |(?:please )?(?:state|give me|tell me|list|name|remind me of) |"
    rf"I(?:'d| would) like to know |I'm looking for |I need )(?P<thing>the (?!full list\b|list\b)[^,]+ of (?:the )?{NAME})(?:, please)?$"
)
_FRONTED = re.compile(
    rf"(?:(?:for|regarding) (?P<one>{NAME}), |(?P<other>{NAME}): )(?P<asked>(?:what|which|who) (?:is|are) the [^,]+)$"
)
_HEAD = re.compile(
    r"(?P<head>(?:for|in|among|of|according to|regarding|between|on) .*?), "
    r"(?P<asked>(?:(?:in|on|at|for|from|by|with|of|to|under) )?(?:what|which|who|whose|where|when|why|how)\b.*)$"
)
_ORDER = re.compile(
    r"(?:please |list |name |give |show |tell |describe |explain |define |state |compare |remind |confirm |I(?:'d|'m| would| need)\b)"
)
_CAN_YOU = re.compile(rf"{_CAN}|do (?:you|we) know\b")


def direct(question: str) -> str:
    """What is asked, as a question without courtesies and with its topic behind; as it is where that is not sure."""
    if found := _ASKED.match(question):
        return f"{found['wh']} {found['is']} {found['thing']}"
    if found := _SUBJECT.match(question):
        return found["asked"]
    if found := _GIVE.match(question):
        noun = found["thing"].split(" of ")[0]
        return f"what {'are' if re.search(r'[^sui]s$', noun) else 'is'} {found['thing']}"
    if found := _FRONTED.match(question):
        return f"{found['asked']} of {found['one'] or found['other']}"
    return question


def headed(question: str) -> tuple[str, str]:
    """What stands before a question word ("for X", "in the documentation"), and the question; no head where there is none."""
    found = _HEAD.match(question)
    return (found["head"], found["asked"]) if found else ("", question)


def is_order(question: str) -> bool:
    """Whether it is no question by its form: "list …", "I'd like to know …"."""
    return _ORDER.match(question) is not None


def asks_someone(question: str) -> bool:
    """Whether it asks the reader, and not of something: "can you confirm that …"."""
    return _CAN_YOU.match(question) is not None
