"""French: when, since when, by whom."""

from __future__ import annotations

import re

from finetune.generate.prose import dates
from finetune.generate.prose.dates import ASKS
from finetune.generate.prose.found import Found, forms
from finetune.generate.prose.french import AUXILIARIES, EVENTS, Clause, single
from finetune.generate.prose.french_words import AGENCY, HAPPENED, MASCULINE, NO_AGENT, PARTICIPLE, PRESENT
from finetune.generate.prose.subjects import has_name, standalone, unclear
from finetune.generate.titles import elide

_AVOIR = frozenset("a ont avait avaient eut eurent".split())
_INTRANSITIVE = frozenset(
    "naît nait naquit meurt mourut décède décéda paraît parut disparaît disparut débute "
    "débuta commence commença".split()
)
_AFTER = re.compile(r"$|(?:par|à|au|aux|dans|avec|sous|sur|chez|contre|en|pour)\s")
_INFINITIVE = re.compile(r"(?:\b(?:de|à|pour|afin|sans)\s|d')\w+(?:er|ir|re|oir)\b")
# What is said or planned in a year is not what happens in it.
_SAID = re.compile(
    r"\b(?:annonc|prév|promi|propos|envisag|décid|demand|déclar|affirm|estim|dit|dite|pens|"
    r"espér|souhait|voul|pu|dû|fallu|permi)\w*"
)
# A second date of the same event follows.
_MORE = re.compile(r",? ?(?:puis|et|ou)? ?(?:à nouveau )?(?:en|le|de|du|entre) (?:\w+ )?\d")
_HANGING = re.compile(
    r"(?:^|\s)(?:dès|jusqu'à|jusqu'en|vers|avant|après|de|du|des|à|au|aux|le|la|les|et|ou|"
    r"en|dans|par|pour|sur|que|peu|lors)$"
)
_NO_PLACE = re.compile(
    r"(?:également|aussi|ensuite|alors|ainsi|donc|enfin|notamment|même|toujours|encore|"
    r"déjà|plus|désormais|longtemps|souvent)\b"
)
_AGENT_END = re.compile(
    r"[,;:.()«»]|\s(?:dans|pour|sur|avec|afin|lors|à|au|aux|en|depuis|le \d|qui|dont|comme|"
    r"sous|après|avant|via|grâce|entre|et par|"
    r"ainsi|contre|pendant|durant|chez|vers|mais|puis|où|que|par|sans|est|sont|a|ont|fin|"
    r"début|selon|jusqu'\w+|nommée?|appelée?)\b"
)


def when(clause: Clause) -> list[Found]:
    """`En quelle année la CNIL a-t-elle été créée ?`"""
    core = clause.core
    date = clause.date or dates.find(core, "fr")
    if date is None:
        return []
    before, after = (core, "") if clause.date else (core[: date.start].rstrip(), core[date.end :].strip())
    if _MORE.match(clause.rest[len(core) :]):
        return []
    if clause.date and (re.search(r"\b(?:1\d|20)\d\d\b", core) or not clause.whole):
        return []
    if not _happens(clause, before, date.kind) or not _AFTER.match(after) or not _attached(clause, before):
        return []
    said = " ".join(f"{clause.verb} {before} {after}".split())
    if (
        len(said.split()) > 15
        or not single(f"{before} {after}")
        or not standalone(said, "fr")
        or _NO_PLACE.search(said)
    ):
        return []
    if after.startswith(("en ", "pour ")) or re.search(r"\b(?:depuis|pendant|durant|jusqu|chaque|tous les)\b", said):
        return []
    if unclear(said, "fr") and not clause.subject.is_title and not clause.subject.page:
        return []
    return forms(
        "when", "when", date.value, f"{clause.subject.text} {said}", _questions(clause, said, ASKS["fr"][date.kind])
    )


def _questions(clause: Clause, said: str, asks: tuple[str, ...]) -> list[str]:
    about = clause.subject.text
    made = [f"{ask} {elide('est-ce que', about)} {said} ?" for ask in asks[:2]]
    made += [""] * (2 - len(made))
    verb, _, rest = said.partition(" ")
    pronoun = _pronoun(clause, rest)
    turned = pronoun and verb in AUXILIARIES and verb != "s'est"
    made += [f"{ask} {about} {_inverted(verb, pronoun)} {rest} ?" if turned else "" for ask in (asks[0], asks[-1])]
    # Verb before subject needs no pronoun: "Quand a été fondée l'Union européenne ?"
    passive = re.fullmatch(r"(?:été )?\w+", rest) and (rest.startswith("été ") or verb not in _AVOIR)
    made.append(f"{asks[0]} {said} {about} ?" if passive and verb in AUXILIARIES and len(about.split()) < 6 else "")
    return made


def _happens(clause: Clause, before: str, kind: str) -> bool:
    """Whether the verb tells an event that a date can be asked of."""
    first = re.sub(r"^(?:\w+ment )+", "", before).split(" ")[0] if before else ""
    if clause.verb in EVENTS:
        return bool(before) or clause.verb in _INTRANSITIVE
    if clause.verb in _AVOIR:
        return bool(PARTICIPLE.fullmatch(first)) and first not in ("pris", "permis") if first != "été" else True
    if clause.verb == "s'est":
        return bool(PARTICIPLE.fullmatch(first))
    if clause.verb == "existe":
        return kind.startswith("since")
    if clause.verb in AUXILIARIES:
        return first in HAPPENED or (kind.startswith("since") and bool(PARTICIPLE.fullmatch(first)))
    return False


def _attached(clause: Clause, before: str) -> bool:
    """Whether the date belongs to the verb and not to a participle or infinitive before it."""
    if _INFINITIVE.search(before) or _SAID.search(before) or _HANGING.search(before):
        return False
    if clause.date:
        return True
    words = [w for w in before.split() if not w.endswith("ment")]
    skip = 0 if clause.verb in EVENTS else (2 if words[:1] == ["été"] else 1)
    return not any(PARTICIPLE.fullmatch(w) and re.search(r"(?:[éu]|ée|ue|it|ite)s?$", w) for w in words[skip:])


def _pronoun(clause: Clause, rest: str) -> str:
    """`il`, `elle`, `ils`, `elles` where article or participle show it."""
    about, plural = clause.subject, clause.verb in ("ont", "sont", "étaient", "furent", "seront", "avaient", "eurent")
    match = re.match(r"(?:été )?(\w+)", rest)
    agrees = match is not None and (rest.startswith("été ") or clause.verb not in _AVOIR)
    if match and agrees and re.search(r"(?:é|u|i|it|ert|is)e?s?$", match[1]):
        feminine = bool(re.search(r"es?$", match[1])) and not match[1].endswith("és")
        return ("elle" if feminine else "il") + ("s" if plural else "")
    if plural:
        return ""
    return "il" if about.masculine else "elle" if about.feminine else ""


def _inverted(verb: str, pronoun: str) -> str:
    return f"{verb}-t-{pronoun}" if verb in ("a", "sera") else f"{verb}-{pronoun}"


def who(clause: Clause) -> list[Found]:
    """`Par qui a été créé GIDAF ?` and `Qui a créé GIDAF ?`"""
    if clause.verb not in AUXILIARIES - _AVOIR and not clause.rest.startswith("été "):
        return []
    rest = clause.rest if clause.verb not in _AVOIR else clause.rest[4:]
    match = re.match(r"(\w+) (?:en \d{4} |en \w+ \d{4} |le \d{1,2}(?:er)? \w+ \d{4} )?par ", rest)
    if not match or not PARTICIPLE.fullmatch(match[1]) or not standalone(clause.core, "fr"):
        return []
    found = agent(rest[match.end() :])
    participle = match[1]
    if not found or masculine(participle) not in AGENCY:
        return []
    been = "été " if clause.verb in _AVOIR else ""
    about = clause.subject.text
    short = len(about.split()) < 7
    pronoun = _pronoun(clause, been + participle)
    questions = [
        f"Par qui {clause.verb} {been}{participle} {about} ?" if short else "",
        f"Par qui {about} {_inverted(clause.verb, pronoun)} {been}{participle} ?" if pronoun else "",
        _active(clause, masculine(participle), about),
        f"Par qui {elide('est-ce que', about)} {clause.verb} {been}{participle} ?",
    ]
    return forms("who", "by", found, f"{about} {participle}", questions)


def _active(clause: Clause, participle: str, about: str) -> str:
    if clause.verb in _AVOIR or clause.verb in ("fut", "furent"):
        return f"Qui a {participle} {about} ?"
    present = PRESENT.get(participle)
    return f"Qui {present} {about} ?" if present and clause.verb in ("est", "sont") else ""


def masculine(participle: str) -> str:
    """`créées` to `créé`, `mises` to `mis`."""
    return MASCULINE.get(participle, re.sub(r"(?<=[éuit])e?s?$|(?<=ert)e?s?$", "", participle))


def agent(text: str) -> str:
    """A person or an organisation with a name, at the beginning of `text`; else nothing."""
    end = _AGENT_END.search(text)
    if end and end[0].strip() in ("«", "»", '"'):
        return ""
    found = text[: end.start()].strip() if end else text.strip()
    if not found or len(found.split()) > 12 or not has_name(found) or not standalone(found, "fr"):
        return ""
    words = re.sub(r"(?<=['’])", " ", found).split()
    head = next(
        (w for w in words if w.lower().replace("’", "'") not in ("le", "la", "les", "l'", "de", "du", "des")), ""
    )
    if head.lower() in NO_AGENT or words[0].lower() in ("un", "une", "des", "du", "de", "d'") or head[:1].isdigit():
        return ""
    # More agents after a bracket or a comma: the value would be cut short.
    if end and re.match(
        r"\s?(?:\([^)]*\))?(?:,| et) (?:(?:l[ea]s?|d[eu]s?|ainsi|et|par) |l['’]|d['’]|[A-ZÀ-Þ])", text[end.start() :]
    ):
        return ""
    # "par l'Union et le Nord par la Chine": two clauses in one.
    return (
        ""
        if (end and end[0].strip() == "par")
        or found.count(" et ") > 2
        or words[-1].lower() in ("et", "de", "le", "la", "les", "du", "des")
        else found
    )
