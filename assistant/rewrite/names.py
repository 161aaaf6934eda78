"""Names in a question: what is written with capitals where a sentence does not ask for them."""

from __future__ import annotations

import functools
import re

from assistant.rewrite.words import ADJECTIVES, VERBS, Word, is_form, split
from retrieval.types import Language

Span = tuple[int, int]

_OPENERS = frozenset(
    "could would should can may might will shall does do did is are was were has have had being been yes no ok okay so then "
    "and but or also please tell give show list name explain describe speaking talking regarding concerning about any some "
    "in on at for from with by during after before since while when if although as because despite the a an what who how "
    "great thanks well now oh ah et mais ou donc alors aussi sinon merci oui non parmi pour dans en avec par chez depuis "
    "selon durant pendant lors apres avant sur sous entre vers sans quelqu lequel listez citez donnez peut peux pouvez "
    "existe faut doit va vont aujourd aujourdhui actuellement combien".split()
)
"""Words a question opens with, which its capital does not make a name."""
_PARTICLES = frozenset("of the de du des d la le les l & and et".split())
_STOP = re.compile(r"[.!?:;…]\s*[\"'«“(]*$")
_AUXILIARIES = frozenset(
    "do does did is are was were has have had can could will would shall should may might must".split()
)


@functools.lru_cache(maxsize=128)
def names(text: str, language: Language) -> tuple[Span, ...]:
    """Places of capitalised names; a capital that opens a sentence counts only before another, or inside a word."""
    words = split(text)
    if len(words) > 3 and sum(w.text.isupper() for w in words) > len(words) / 2:
        return ()  # all in capitals: they distinguish nothing
    strong = [_is_name(text, words, i, language) for i in range(len(words))]
    runs: list[Span] = []
    i = 0
    while i < len(words):
        if not strong[i]:
            i += 1
            continue
        last = _extended(text, words, _run_end(text, words, strong, i), i, language)
        if not all(is_form(w, language) for w in words[i : last + 1]):
            runs.append((words[i].start, words[last].end))
        i = last + 1
    return tuple(runs)


def _is_name(text: str, words: tuple[Word, ...], i: int, language: Language) -> bool:
    word = words[i]
    if not any(c.isupper() for c in word.text) or word.text == "I":
        return False
    inside = any(c.isupper() for c in word.text[1:])
    if word.key in _OPENERS or is_form(word, language):
        return not _opens(text, word)
    if inside or not _opens(text, word):
        return True
    follows = words[i + 1] if i + 1 < len(words) else None
    return follows is not None and follows.text[:1].isupper() and text[word.end : follows.start] in " '-"


def _opens(text: str, word: Word) -> bool:
    before = text[: word.start].rstrip(" \"'«“(")
    return not before or bool(_STOP.search(before))


def _run_end(text: str, words: tuple[Word, ...], strong: list[bool], i: int) -> int:
    """The last word of the name that begins at word `i`: neighbours, numbers, and names behind a particle."""
    j = i
    while j + 1 < len(words):
        gap = text[words[j].end : words[j + 1].start]
        if gap not in (" ", "-", "'", "’", " - ", " & "):
            break
        if strong[j + 1] or words[j + 1].text.isdigit():
            j += 1
            continue
        k = j + 1
        while k < len(words) and k < j + 3 and words[k].key in _PARTICLES - {"and", "et"}:
            k += 1
        named = j + 1 < k < len(words) and strong[k] and text[words[k - 1].end : words[k].start] in " '’"
        if not named or words[j].text.isupper():
            break
        j = k
    return j


def _extended(text: str, words: tuple[Word, ...], last: int, first: int, language: Language) -> int:
    """The name with the English noun behind it: "the CIS instance", unless a verb may stand there."""
    if language == "fr" or any(w.key in _AUXILIARIES for w in words[max(0, first - 2) : first]):
        return last
    end = last
    while end + 1 < len(words) and end < last + 2 and text[words[end].end : words[end + 1].start] == " ":
        after = words[end + 1]
        matter = not is_form(after, language) and after.key not in VERBS["en"] | ADJECTIVES
        if not matter or after.key.endswith(("ed", "ing", "ly")) or after.text[0].isdigit():
            break
        end += 1
    return end
