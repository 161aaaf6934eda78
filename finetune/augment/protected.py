"""What a paraphrase may not touch: names, numbers, dates, versions, codes, quotations, addresses, paths, citations.

"Quel port écoute SI-RAPP 2.1 depuis mars ?"  ->  SI-RAPP, 2.1, mars
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from finetune.augment.openers import NUMBERS, OPENERS
from retrieval.text import fold, sentence_spans, words
from retrieval.types import Language

Kind = Literal["name", "start", "other"]
"""`start`: a word that opens a sentence with a capital and may be a name; `other`: numbers, quotations, addresses."""

_FIXED = re.compile(r"""
    \[chunk_\d+\]
  | (?:https?://|www\.)[^\s«»“”"'’]*[\w/]
  | [\w.+-]+@[\w-]+(?:\.[\w-]+)+
  | «[^«»\n]{1,200}» | “[^“”\n]{1,200}” | "[^"\n]{1,200}" | `[^`\n]{1,200}`
  | (?<![\w/])(?:~|\.{1,2})?/\w[\w./~+-]*\w
  | (?<!\w)[vV]?\d\w*(?:[.,:/-]\w*\d\w*|[ \u00a0\u202f]\d{3}(?!\d))*(?:\+\+|\#)?(?:[ \u00a0\u202f]?[%€$£](?!\w))?
""", re.VERBOSE)  # fmt: skip
_OPENERS = {language: frozenset(map(fold, words)) for language, words in OPENERS.items()}
_TOKEN = re.compile(r"[^\W_][\w]*(?:[-_.·+&/'’][^\W_]\w*)*(?:\+\+|[+#](?!\w))?|_\w+")
_WORDS = re.compile(r"[^\W_]+")
_AFTER_POINT = re.compile(r"[.?!…]\s+")
_ELISION = re.compile(r"(?:[ldjmtsnc]|qu|lorsqu|puisqu|jusqu|quoiqu)['’](?=\w)", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s$")


class Span(NamedTuple):
    """A protected part of a text."""

    start: int
    end: int
    kind: Kind


def protected(text: str, language: Language) -> Counter[str]:
    """Every protected word or phrase of a text, counted."""
    return Counter(text[span.start : span.end] for span in spans(text, language))


def spans(text: str, language: Language) -> Iterator[Span]:
    """Where they are, in order; words that only open a sentence are left out."""
    fixed = [match.span() for match in _FIXED.finditer(text)]
    starts = [start for start, _ in sentence_spans(text)] + [match.end() for match in _AFTER_POINT.finditer(text)]
    first = {_first_word(text, start) for start in starts}
    position = 0
    for start, end in [*fixed, (len(text), len(text))]:
        for match in _TOKEN.finditer(text, position, start):
            yield from _word(text, *match.span(), match.start() in first, language)
        if start < end:
            yield Span(start, end, "name" if text[start].isalpha() else "other")
        position = end


def _word(text: str, start: int, end: int, opens: bool, language: Language) -> Iterator[Span]:
    while (elided := _ELISION.match(text, start, end)) and (language == "fr" or text[elided.end()].isupper()):
        opens = opens and not text[elided.end()].isupper()  # "L'Urssaf est-elle…"
        start = elided.end()
    if possessive := _POSSESSIVE.search(text[start:end]):
        end = start + possessive.start()
    word = text[start:end]
    if _is_code(word):
        yield Span(start, end, "name")
    elif word.lower() in NUMBERS[language]:
        yield Span(start, end, "other")
    elif word[:1].isupper() and word not in ("I", "I'd", "I'm", "I've", "I’d"):
        if not opens:
            yield Span(start, end, "name")
        elif not {fold(word).replace("’", "'"), fold(word).partition("-")[0]} & _OPENERS[language]:
            yield Span(start, end, "start")


def _is_code(word: str) -> bool:
    """`SI-RAPP`, `k8s`, `MySQL`, `acme.json`, `max_rows`, `C++`; not `Peut-on`, `Saint-Malo`, `e-mail`, `connecté·e·s`."""
    capitals = any(c.isupper() for part in re.split(r"[-'’]", word) for c in part[1:])
    inner = re.search(r"\w[._&/+]\w|[+#]$|_", word) is not None
    return capitals or inner or (any(map(str.isdigit, word)) and any(map(str.isalpha, word)))


def named_in(text: str, question: str, language: Language) -> list[str]:
    """Words of a question in small letters that a text writes as names only: "stomp" where the text has STOMP."""
    small = {word for word in words(question) if word.islower() and len(word) > 2 and word not in _OPENERS[language]}
    written: dict[str, set[str]] = {}
    for match in _WORDS.finditer(text):
        if (word := match[0].lower()) in small:
            written.setdefault(word, set()).add(match[0])
    found = {text[span.start : span.end] for span in spans(text, language) if span.kind == "name"} if written else set()
    return sorted(word for word, forms in written.items() if word not in forms and forms & found)


def opens(text: str, language: Language) -> bool:
    """Whether a text begins with a word that opens questions."""
    match = _TOKEN.search(text)
    first = (re.split(r"['’-]", match[0])[0], match[0]) if match else ()
    return any(fold(word).replace("’", "'") in _OPENERS[language] for word in first)


def _first_word(text: str, start: int) -> int:
    match = _TOKEN.search(text, start)
    return match.start() if match else -1


def unchanged(
    before: str,
    after: str,
    language: Language,
    names: Sequence[str] = (),
    equal: Mapping[str, str] | None = None,
    *,
    folded: bool = False,
) -> bool:
    """Whether two texts hold the same protected words, each as often, and the same `names`.

    `equal`: acronyms and what they stand for, which count as the same. `folded`: case and accents may be lost.
    """
    before, after, *named = (_canonical(text, equal or {}) for text in (before, after, *names))
    exact = {name for name in named if re.search(r"\w", name) and max(_count(before, name), _count(after, name))}
    loose = {fold(name) for name in named if re.search(r"\w", name) and name not in exact}
    for text in (before, after):
        for span in spans(text, language):
            # What stands first may be any word with a capital.
            item = text[span.start : span.end]
            loose |= {fold(item)} if span.kind == "start" else set()
            exact |= {item} if span.kind != "start" else set()
    folds = fold(before), fold(after)
    if folded:
        return _same(*folds, loose | set(map(fold, exact)), language, more=True)
    return _same(*folds, loose, language) and _same(before, after, exact, language)


def _same(before: str, after: str, items: set[str], language: Language, *, more: bool = False) -> bool:
    """Whether both hold each item as often; "La" of "La Bonne Formation" and "D" (as in "I'd") need not.

    `more`: so may every item without a number: in small letters, words around it may be the same.
    """
    for item in items:
        one, other = _count(before, item), _count(after, item)
        again = _is_common(item, language) or (more and other >= one and not any(map(str.isdigit, item)))
        if one != other and not (again and (other or not one)):
            return False
    return True


def _is_common(item: str, language: Language) -> bool:
    """Whether an item is a word that other words of a question may be too."""
    letters = [c for c in item if c.isalnum()]
    plain = item.isalpha() and item.islower() and item not in NUMBERS[language]
    return fold(item) in _OPENERS[language] or plain or (len(letters) == 1 and letters[0].isalpha())


def _canonical(text: str, equal: Mapping[str, str]) -> str:
    text = " ".join(text.replace("’", "'").split())
    for short, long in equal.items():
        text = re.sub(rf"(?<!\w){re.escape(long)}(?!\w)", lambda _, short=short: short, text, flags=re.IGNORECASE)  # type: ignore[misc]
    return text


def _count(text: str, item: str) -> int:
    """Times that `item` stands in `text` as whole words."""
    before = r"(?<!\w)" if item[:1].isalnum() else ""
    after = r"(?!\w)" if item[-1:].isalnum() else ""
    return len(re.findall(f"{before}{re.escape(item)}{after}", text)) if item else 0
