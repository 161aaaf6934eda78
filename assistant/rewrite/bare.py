"""A question word alone: "Why?", "Depuis quand ?", asked of what the last question said, when that makes a sentence."""

from __future__ import annotations

import re

from assistant.rewrite.question import Asked, Rewritten, tidy
from retrieval.types import Language

_WH: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"^(?P<wh>why|when|where|how|how (?:long|often)|since when|for how long|by whom|for whom)\s*[?!.]*$"
    ),
    "fr": re.compile(
        r"^(?P<wh>pourquoi|par qui|pour qui|avec qui|avec quoi|quand|ou|comment|depuis quand|depuis combien de temps|"
        r"jusqu'a quand|en quelle annee|a quel prix|dans quel but|dans quelle ville)\s*[?!.]*$"
    ),
}
_AUX = "is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must"
_ADVERB: dict[Language, re.Pattern[str]] = {
    # "When did …", "How often are …", and questions that ask for yes or no
    "en": re.compile(
        rf"^(?:(?:why|when|where|since when|how(?: (?:long|often|fast|soon|come))?)\s+)?(?=(?:{_AUX})\s+\S+\s+\S)"
    ),
    "fr": re.compile(
        r"^(?:(?:pourquoi|quand|ou|comment|depuis quand|depuis combien de temps|a quelle frequence|dans quel but)\s+)"
        r"(?=(?!(?:de|d'|du|des)\b)\S+\s+\S)|^(?=est-ce que\s|est-ce qu'|\S+ (?:\S+ ){0,3}\S+-(?:t-)?(?:il|elle|ils|elles|on)\s)"
    ),
}
_WHO_DID = re.compile(
    r"^who (?P<verb>\w+ed|made|built|sold|found|won|led) (?P<what>(?:the |an? )?\w[\w .+#'-]{0,60}?)\s*[?.!]*$"
)
_NAMED = re.compile(r"^(?:qui|quel|quelle|quels|quelles|que|combien|qu'|lequel|laquelle)\b")


def bare_wh(asked: Asked) -> Rewritten | None:
    """The last question with another question word, when it is a sentence that takes one."""
    match = _WH[asked.language].match(asked.plain)
    last = asked.of_last()
    if match is None or last.language != asked.language:
        return None
    wh = asked.text[slice(*match.span("wh"))]
    if done := _WHO_DID.match(last.plain):
        what = last.text[slice(*done.span("what"))]
        return Rewritten(tidy(f"{wh} was {what} {done['verb']}?", asked.language), "ellipsis")
    opened = None if _NAMED.match(last.plain) else _ADVERB[asked.language].match(last.plain)
    if opened is None:
        return None
    rest = last.text[opened.end() :]
    if opened.end() == 0 and not rest[:1].isupper():
        return None
    if rest.split(maxsplit=1)[0].lower() in ("est-ce", *_AUX.split("|")):
        rest = rest[:1].lower() + rest[1:]
    return Rewritten(tidy(f"{wh} {rest.rstrip(' ?!.')} ?", asked.language), "ellipsis")
