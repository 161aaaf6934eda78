"""What a French question asks without its courtesies, and whom it speaks to.

"Peux-tu me dire quel est le port de X"  ->  "quel est le port de X";  "Rappelle-moi la licence de X"  ->  "quelle est la …"
"""

from __future__ import annotations

import re
from typing import Literal

from finetune.augment.masked import NAME

Tone = Literal["vous", "tu", ""]
_CAN = r"(?:pouvez-vous|peux-tu|pourriez-vous|pourrais-tu)"
_TELL = re.compile(
    rf"(?:{_CAN} (?:me |nous )?(?:dire|indiquer|préciser)|{_CAN} m['’]indiquer|savez-vous|sais-tu|tu sais|sait-on|dis-moi|"
    r"dites-moi|j['’]aimerais savoir|je (?:voudrais|souhaite|cherche à) savoir) "
    r"(?P<asked>(?:qui|quel(?:le)?s? (?:est|sont)|(?:quand|à quelle date) (?:commence|se termine|a lieu))\b(?!-).+)$"
)
GIVE = (
    rf"(?:{_CAN} (?:me donner|m['’]indiquer|me préciser|préciser|énumérer|lister)|indiquez?|listez?|donnez?-moi|énumérez|"
    r"j['’]aimerais connaître|je souhaiterais connaître|je cherche|rappelle-moi|rappelez-moi|il me faudrait)"
)
"""What asks for a thing, as a pattern."""
_GIVE = re.compile(rf"{GIVE} (?P<article>le|la) (?P<rest>(?!liste\b)[^,]+ (?:de |d['’]|du |des )(?:l['’]|la )?{NAME})$")
_QUOI = re.compile(r"c['’]est quoi (?P<article>le|la) (?P<rest>.+ (?:de |d['’]|du |des ).+)$")
_FRONTED = re.compile(
    rf"(?:(?:pour|concernant) (?P<one>{NAME}), |(?P<other>{NAME}) : )"
    r"(?P<asked>(?:quel(?:le)?s? (?:est|sont)|qui est) (?:le|la|les|l['’]) ?[^,]+)$"
)
_HEAD = re.compile(
    r"(?P<head>(?:pour|dans|d['’]après|selon|concernant|à propos d|parmi|entre|de |d['’]).*?), "
    r"(?P<asked>(?:(?:à|de|dans|avec|sur|pour|en) )?(?:qui|que|qu['’]|quoi|quel(?:le)?s?|lequel|laquelle|lesquel(?:le)?s|où|"
    r"quand|combien|comment|pourquoi)\b.*)$"
)
_ORDER = re.compile(
    r"(?:(?:liste|cite|donne|énumère|nomme|indique|explique|compare|rappelle|décri|défini|présente|montre|dite?|précise)[szrt]?z?s?(?:-moi)?\b|"
    r"j['’](?:aimerais|ai besoin)|je (?:voudrais|souhait|cherche)|il me faut)"
)


def direct(question: str) -> str:
    """What is asked, as a question without courtesies and with its topic behind; as it is where that is not sure."""
    if found := _TELL.match(question):
        return found["asked"]
    if found := _GIVE.match(question) or _QUOI.match(question):
        return f"{'quel' if found['article'] == 'le' else 'quelle'} est {found['article']} {found['rest']}"
    if found := _FRONTED.match(question):
        return f"{found['asked']} de {found['one'] or found['other']}"
    return question


def headed(question: str) -> tuple[str, str]:
    """What stands before a question word ("pour X", "d'après la fiche"), and the question; no head where there is none."""
    found = _HEAD.match(question)
    return (found["head"], found["asked"]) if found else ("", question)


def is_order(question: str) -> bool:
    """Whether it is no question by its form: "listez …", "j'aimerais connaître …"."""
    return _ORDER.match(question) is not None


def tone(question: str) -> Tone:
    """Whom it speaks to; neither where it does not show."""
    if re.search(r"\bvous\b|^\w+ez\b", question):
        return "vous"
    return (
        "tu"
        if re.search(r"\b(?:tu|te|toi)\b|^\w+e-moi\b|^dis-moi\b|^(?:liste|cite|donne|indique|énumère)\b", question)
        else ""
    )
