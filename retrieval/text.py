"""Words, sentences and language of French and English text: small, linear-time, no model."""

from __future__ import annotations

import re
import unicodedata

from retrieval.types import Language

_FR = frozenset(
    "le la les l un une des du de d et est sont au aux ce cet cette ces qui que qu quoi dont où quel quelle quels quelles "
    "comment pourquoi combien quand dans par pour sur avec sans sous entre vers chez il elle ils elles on nous vous je tu j "
    "se s son sa ses leur leurs mon ma mes ton ta tes notre nos votre vos ne n pas plus moins été être a ont avait était "
    "peut faut fait quelqu c y en à ou où mais donc or ni car liste donne cite cites citez listez donnez quelles lequel".split()
)
_EN = frozenset(
    "the a an of to and is are was were be been in on at by for with from as it its this that these those which who whom "
    "whose what when where why how many much do does did has have had can could will would shall should may might must "
    "not no or but if then than there their they he she his her him we you your our i me my into over about after before "
    "between under list name give tell show any all which".split()
)
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_WORD = re.compile(r"[^\W_]+", re.UNICODE)

# A sentence ends at . ! ? … (with closing quotes or brackets, a French one set off by a space) before white space and
# what looks like a start, or at a line break. Abbreviations and initials do not end one. A run of points is tried once,
# from its first: a page of dots would otherwise take minutes.
_END = re.compile(
    r"(?:(?<![.!?…])[.!?…]++(?:[\"'»”’)\]]|[ \u00a0\u202f]»)*+)(?=\s+[\"'«“‘(\[]?\s?[\w«“\"'(\[])|\n+", re.UNICODE
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:M|MM|Mme|Mlle|Dr|Pr|St|Ste|Mr|Mrs|Ms|Jr|Sr|vs|etc|cf|ex|p|pp|art|al|av|env|n°|no|vol|fig|Inc|Ltd|Co|Corp|"
    r"approx|ca|i\.e|e\.g|c\.-à-d|[A-ZÀ-Þ])|\b[A-Z]\.[A-Z])\.$"
)


def fold(text: str) -> str:
    """Lower case without accents: `Éditeur` and `editeur` are one word."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "OE"))
    return _FOREIGN.sub(_uncombined, decomposed).casefold()


def _uncombined(run: re.Match[str]) -> str:
    return "".join(c for c in run[0] if not unicodedata.combining(c))


def words(text: str) -> list[str]:
    """Runs of letters and digits, as written."""
    return _WORD.findall(text)


def detect_language(text: str, default: Language = "en") -> Language:
    """French or English by function words and accents; `default` when neither shows (a bare keyword query)."""
    tokens = [t.lower() for t in words(text[:4000].replace("’", "'"))]
    french = sum(t in _FR for t in tokens) + sum(any(c in "éèêàçùœîôû" for c in t) for t in tokens)
    english = sum(t in _EN for t in tokens)
    if french == english:
        return default
    return "fr" if french > english else "en"


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Start and end offsets of the sentences of `text`, without surrounding white space."""
    spans, start = [], 0
    for match in _END.finditer(text):
        end = match.end() if text[match.start()] != "\n" else match.start()
        if text[match.start()] == "." and _ABBREVIATION.search(text[max(start, end - 12) : end]):
            continue
        spans.append((start, end))
        start = match.end()
    spans.append((start, len(text)))
    return [span for span in (_strip(text, *s) for s in spans) if span[0] < span[1]]


def sentences(text: str) -> list[str]:
    return [text[a:b] for a, b in sentence_spans(text)]


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
