"""A French question inside a sentence, where its subject stands before the verb again.

"Quand Redis a-t-il été créé"  ->  "quand Redis a été créé";  "Gitea est-il libre"  ->  "si Gitea est libre"
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from finetune.augment.french_words import BLOCKED
from finetune.augment.masked import MASK

_PREPOSITION = (
    r"(?:à|a(?= qu)|de|d['’]|dans|avec|par|pour|sur|sous|en|chez|depuis|vers|contre|selon|sans|jusqu['’]à|au bout de|au cours de|"
    r"auprès de|grâce à|à partir de|jusqu['’]) ?"
)
_WH = re.compile(
    rf"(?:{_PREPOSITION})?(?:qui\b|quoi\b|quel(?:le)?s?\b|lequel\b|laquelle\b|lesquel(?:le)?s\b|où\b|quand\b|combien\b)|"
    r"(?:comment|pourquoi)\b"
)
_BY_TURN = re.compile(
    r"(?P<before>(?:ne |n['’]|me |m['’]|te |t['’]|se |s['’]|le |la |l['’]|les |lui |leur |y |en )*)"
    r"(?P<verb>[a-zà-ÿœ]+)(?P<turn>-(?:t-)?(?P<who>il|elle|ils|elles|on|je|tu|nous|vous))\b(?!-)(?P<rest>.*)$"
)
_TURNED = re.compile(r"[a-zà-ÿœ]+-(?:t-)?(?:il|elle|ils|elles|on|je|tu|nous|vous)\b")
_CLITICS = re.compile(
    r"(?:(?<=\s)|^)(?:ne |me |te |se |le |la |les |lui |leur |y |en |n['’]|m['’]|t['’]|s['’]|l['’])*$"
)
"""Pronouns right before a verb."""
_DETERMINED = re.compile(
    rf"{MASK}|\b(?:l['’]|(?:le|la|les|un|une|des|du|ce|cet|cette|ces|mon|ma|mes|notre|nos|votre|vos|chaque) )[a-zà-ÿœ]"
)
_LOOSE = re.compile(
    r"\b(?!que\b|dont\b|où\b|si\b|quand\b|car\b|et\b|mais\b|lorsque\b|comme\b)[a-zà-ÿœ]+[ ,](?:t[ ,'’-])?(?:ils?|elles?)\b"
)
"""A turned subject whose hyphen is missing: "a t il", "est elle"."""
_PLAIN_PHRASE = re.compile(
    rf"(?:l['’]|(?:le|la|les|un|une|des) )?{MASK}(?: {MASK})*$|"
    r"(?:l['’]|(?:le|la|les|un|une|des) )[a-zà-ÿœ-]+(?: (?:de |d['’]|du |des |à |au |aux |en )(?:la |l['’])?[a-zà-ÿœ-]+)*$"
)
_VERBS = (
    r"(?:fait|font|permet|permettent|propose|proposent|signifie|signifient|désigne|désignent|contient|contiennent|représente|"
    r"veut|veulent|doit|doivent|peut|peuvent|prévoit|prévoient|couvre|couvrent|dit|disent|devient|deviennent|recouvre)"
)
_VOWEL = tuple("aeiouéèêàâîôûhœ")
_NO_VERB = re.compile(
    r"comment (?:va|vas|allez|savoir)\b|quel(?:le)?s? (?!est\b|sont\b)[a-zà-ÿœ]+(?: [a-zà-ÿœ]+)? pour\b"
)
_SUBJECT = re.compile(r"(?:on|l['’]on|ils?|elles?|je|tu|nous|vous|ça|cela)\b|j['’]")
_HEADED = re.compile(r"(?:pour|dans|d['’]après|selon|concernant|parmi|entre|de|d['’]) ?[^,]+, ")
"""What stands before is a part of no clause."""
_ASKING = re.compile(
    r"(?:(?:pouvez|peux|pourriez|pourrais|savez|sais|auriez|aurais|voulez|veux)-(?:vous|tu)|confirme[sz]-(?:vous|tu)|sait-on|lit-on)\b"
)


def indirect(question: str, *, definition: bool = False) -> str | None:
    """The question as it stands behind "J'aimerais savoir"; None where that is not sure to be right.

    `definition`: it asks what a thing is, whatever the words of the thing.
    """
    question = re.sub(r"^a (?=qu)", "à ", question)
    question = re.sub(r"^(.+?) est-ce (?:que |qu['’])", _moved, question) if _WH.match(question) else question
    question = re.sub(r"^qui est-ce qui ", "qui ", question)
    if found := re.match(r"est-ce (?:que |qu['’])(.+)$", question):
        return _whether(found[1])
    question = re.sub(r"^qu['’]est ce (?=qu)", "qu'est-ce ", question)
    if re.match(r"qu['’]|que |c['’]est quoi ", question):
        return _what(question, definition)
    if _ASKING.match(question) or _NO_VERB.match(question) or _HEADED.match(question):
        return None
    wh = _WH.match(question)
    straight = None if question.startswith("ou ") else straightened(question, wh.end() if wh else 0)
    if straight is None:
        return None
    if wh:
        return straight
    return _whether(straight) if straight != question else None


def _moved(found: re.Match[str]) -> str:
    return f"{found[1]} "


def _whether(clause: str) -> str:
    return f"s'{clause}" if re.match(r"ils?\b", clause) else f"si {clause}"


def _what(question: str, definition: bool) -> str | None:
    """ "Qu'est-ce que X" as "ce qu'est X", "qu'est-ce qui change" as "ce qui change", "que fait X" as "ce que fait X"."""
    if found := re.match(r"qu['’]est-ce qui (.+)$", question):
        return f"ce qui {found[1]}"
    if found := re.match(r"(?:qu['’]est-ce (?:que |qu['’])|c['’]est quoi )(.+)$", question):
        thing = re.sub(r"^c['’]est qu(?:e |['’])", "", found[1])
        if _is_thing(thing, definition):
            return f"ce que sont {thing}" if re.match(r"(?:les|des) ", thing) else f"ce qu'est {thing}"
        if question.startswith("c") or not _SUBJECT.match(thing) or straightened(thing, 0) != thing:
            return None
        return f"ce {_that(thing)}"
    if found := re.match(rf"que ({_VERBS}\b(?!-).+)$", question):
        return f"ce que {found[1]}"
    if (found := re.match(r"que (.+)$", question)) and (turned := _BY_TURN.match(found[1])) and turned["who"] != "il":
        straight = straightened(found[1], 0)
        return f"ce {_that(straight)}" if straight else None
    return None


def _is_thing(thing: str, definition: bool) -> bool:
    words = re.findall(r"[a-zà-ÿœ-]+", thing)
    if set(words) & (BLOCKED - {"en", "et", "pour", "par", "sur", "dans", "avec", "sans"}):
        return False
    return definition or _PLAIN_PHRASE.match(thing) is not None


def _that(clause: str) -> str:
    return f"qu'{clause}" if clause.startswith(_VOWEL[:-2]) else f"que {clause}"


def straightened(question: str, start: int) -> str | None:
    """The question with its subject before the verb; as it is where nothing is turned, None where it is not sure.

    `start`: where the question word ends.
    """
    turned = [match for match in _TURNED.finditer(question) if match[0] != "rendez-vous"]
    if _LOOSE.search(question, start):
        return None
    if not turned:
        return question
    found = _find_turn(question, turned[0].start())
    if len(turned) > 1 or found is None:
        return None
    head = question[: found.start()]
    if found["verb"] in ("a", "avait") and re.search(r"\by $", found["before"]) and found["who"] == "il":
        return f"{head}il y {found['verb']}{found['rest']}"
    subject = _DETERMINED.search(head, start) or (start == 0 and head.strip())
    if found["who"] in ("il", "elle", "ils", "elles"):
        if subject:
            return f"{head}{found['before']}{found['verb']}{found['rest']}"
        return _impersonal(head, found)
    verb = {"puis": "peux"}.get(found["verb"], found["verb"]) if found["who"] == "je" else found["verb"]
    said = f"{found['before']}{verb}{found['rest']}"
    if found["who"] == "je":
        return f"{head}j'{said}" if said.startswith(_VOWEL) else f"{head}je {said}"
    return f"{head}{found['who']} {said}"


def _find_turn(question: str, verb: int) -> re.Match[str] | None:
    """The turned verb with the pronouns before it."""
    before = _CLITICS.search(question[:verb])
    return _BY_TURN.match(question, before.start() if before else verb)


def _impersonal(head: str, found: re.Match[str]) -> str | None:
    """ "Faut-il", "existe-t-il", "est-il possible": nobody is meant."""
    said = f"{found['verb']}{found['rest']}"
    nobody = r"(?:faut|faudra|faudrait|existe|suffit|convient|est (?:possible|nécessaire|obligatoire|interdit|permis|utile))\b"
    return f"{head}il {found['before']}{said}" if found["who"] == "il" and re.match(nobody, said) else None


def declared(question: str) -> Iterator[tuple[str, str]]:
    """A yes-or-no question in the order of a statement, and with "est-ce que"."""
    if found := re.match(r"est-ce (?:que |qu['’])(.+)$", question):
        yield "informal", f"{found[1]} ?"
        return
    wh = _WH.match(question)
    straight = straightened(question, wh.end() if wh else 0)
    if (
        straight is None
        or straight == question
        or _HEADED.match(question)
        or _ASKING.match(question)
        or re.match(r"qu[e'’]", question)
    ):
        return
    if wh is None:
        yield "synonym", f"est-ce {_that(straight)} ?"
        if not straight.startswith(("il ", "je ", "j'", "on ")):
            yield "informal", f"{straight} ?"
    elif wh[0] in ("comment", "pourquoi", "où", "quand"):
        yield "synonym", f"{wh[0]} est-ce {_that(straight[wh.end() :].strip())} ?"
