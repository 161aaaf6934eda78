r"""Citations normalised and checked in a text that comes in pieces; whatever the pieces, the result is the same.

    [chunk 383]  [Chunk_383]  【383†source】  (chunk_383)  [Source: chunk_383]  [[383]]   -> [chunk_383]
    [chunk_383; 385 et 390]                                        -> [chunk_383] [chunk_385] [chunk_390]
    [chunk_383: Gitea]  [chunk_383, p. 4]  \[chunk\_383\]  [**chunk_383**]  -> [chunk_383]
    an id that was not in the context                              -> struck, and counted

A stack machine reads one character at a time. Each bracket that may still become a citation is open on the stack; one
that no longer can is text, and with it the brackets around it. A struck citation leaves the bracket around it as if it
had never stood there: `[[chunk_9]chunk_10]` cannot leave `[chunk_10]` behind. Within a bracket blanks count for
nothing but ending a word or a number, so the blanks that striking takes away make no new citation either.

Code is read like prose: a model that cites in a code block cites. So is the text of a link: `[383](https://…)` is
a citation when chunk 383 was given, and the address stays behind it.

`chunk_383` without a bracket is a word, and `[^9]` a footnote of the author's own: neither is shown as a citation.
"""

from __future__ import annotations

import re
from collections.abc import Container
from unicodedata import normalize

from retrieval.citation_spacing import Spacing

# Words that make a number a citation, and words that may stand beside one.
_CHUNK = frozenset({"chunk", "chunks"})
_SURE = _CHUNK | {"passage", "passages", "source", "sources"}
_WORDS = _SURE | {"voir", "see", "cf", "et", "and", "id", "ids"}
_BEGINNINGS = frozenset(word[:end] for word in _WORDS for end in range(1, len(word) + 1))
# Backslashes before a bracket are Markdown's way to write one; they go with the citation.
_OPENING = re.compile(r"\\*[\[【(［（]|\\+\Z")
_CLOSING = {"[": "]】］", "【": "]】］", "［": "]】］", "(": ")）", "（": ")）"}
_ROUND = "(（"
_DRESS = "\\*`~"
"""Markdown that may stand around and within an id: `[**chunk\\_9**]`."""
_LONGEST = 18
"""Digits of the largest id there can be."""
_LONGEST_NOTE = 40
"""Characters, without blanks, that may follow a dagger: `【383†guide.md】`."""
_LONGEST_TITLE = 80
"""Characters, without blanks, that may follow a whole id: `[chunk_383: PostgreSQL, port]`."""


class CitationStream:
    """Normalises and checks the citations of one text. `known` may change while the text comes."""

    def __init__(self, known: set[int]) -> None:
        self.known = known
        """Ids that may be cited."""
        self.struck = 0
        """Cited ids that were not known; an id counts once a bracket."""
        self._open: list[_Bracket] = []
        self._slashes = ""
        """Backslashes at the end of what has come: a bracket may follow."""
        self._held: list[str | None] = []
        """What the open brackets hold: text, or None for a struck citation."""
        self._spacing = Spacing()

    def feed(self, text: str) -> str:
        """What may be shown now, given the next piece of the text."""
        text, self._slashes = self._slashes + text, ""
        at = 0
        while at < len(text):
            if self._open:
                self._read(text[at])
                at += 1
                continue
            found = _OPENING.search(text, at)
            self._spacing.text(text[at : found.start() if found else len(text)])
            at = found.end() if found else len(text)
            if found and found[0][-1] in _CLOSING:
                self._begin(found[0])
            elif found:
                self._slashes = found[0]
        return self._spacing.taken()

    def finish(self) -> str:
        """The rest, without trailing white space."""
        self._open.clear()
        self._release()
        self._spacing.text(self._slashes)
        self._slashes = ""
        return self._spacing.taken()

    def _begin(self, opening: str) -> None:
        self._open.append(_Bracket(opening[-1], len(self._held)))
        self._held.append(opening)

    def _read(self, char: str) -> None:
        if char in _CLOSING:
            self._begin(char)
            return
        bracket = self._open[-1]
        self._held.append(char)
        if char not in _CLOSING[bracket.opening]:
            if not bracket.takes(char):
                self._give_up()
        elif bracket.is_citation(self.known):
            self._close(self._open.pop())
        else:
            bracket.size += 1
            self._give_up()

    def _close(self, bracket: _Bracket) -> None:
        """Put the bracket's known ids in its place, for the reader and for the bracket around it."""
        kept = [i for i in bracket.ids if i in self.known]
        self.struck += len(bracket.ids) - len(kept)
        del self._held[bracket.start :]
        self._held.append(" ".join(f"[chunk_{i}]" for i in kept) or None)
        if not self._open:
            self._release()
        elif not self._open[-1].takes_citation(kept):
            self._give_up()

    def _give_up(self) -> None:
        """The innermost bracket is text. So is each around it, up to one that is in its note, where text may stand."""
        size = 0
        while self._open:
            bracket = self._open[-1]
            bracket.size += size
            if size and bracket.in_note and bracket.size <= _LONGEST_NOTE:
                return
            size = bracket.size
            self._open.pop()
        self._release()

    def _release(self) -> None:
        for piece in self._held:
            if piece is None:
                self._spacing.strike()
            else:
                self._spacing.text(piece)
        self._held.clear()


class _Bracket:
    """An open bracket and what has been read in it."""

    def __init__(self, opening: str, start: int) -> None:
        self.opening = opening
        self.start = start
        """Where it begins in what is held."""
        self.ids: dict[int, None] = {}
        self.size = 1
        """Characters, without blanks and citations."""
        self._said: set[str] = set()
        self._dressed = False
        """Whether Markdown stands inside."""
        self._cites = False
        """Whether a citation stands, or stood, inside."""
        self._word = ""
        self._digits = ""
        self._last = ""
        """What came last: a `word`, an `id`, or neither."""
        self._note_ends = 0
        """Size at which the note after a dagger is too long; 0 before the dagger."""

    @property
    def in_note(self) -> bool:
        return 0 < self._note_ends >= self.size

    def takes(self, char: str) -> bool:
        """Read a character; False when this cannot become a citation any more."""
        self.size += not char.isspace()
        if self._note_ends:
            return self.in_note and char not in "\n\r"
        return self._takes_part(char) or self._takes_title(char)

    def _takes_title(self, char: str) -> bool:
        """Whether this begins what a writer adds to a whole id: its title, its page. In round brackets after a colon only."""
        self._end_number()
        if not self.ids or self._said.isdisjoint(_CHUNK) or (self.opening in _ROUND and char != ":"):
            return False
        self._note_ends = self.size + _LONGEST_TITLE
        return True

    def _takes_part(self, char: str) -> bool:
        if char.isalpha():
            self._end_number()
            # Full-width letters look like the others.
            self._word += normalize("NFKC", char).lower()
            return self._word in _BEGINNINGS
        if char in _DRESS:
            self._dressed = True
            return True
        if not self._end_word():
            return False
        if char.isdecimal():
            return self._takes_digit(char)
        self._end_number()
        return char.isspace() or self._takes_mark(char)

    def _takes_digit(self, char: str) -> bool:
        if self._last == "id" and not self._digits:
            return False
        self._digits += char if len(self._digits) <= _LONGEST else ""
        self._last = "id"
        return True

    def _takes_mark(self, char: str) -> bool:
        if char in ",;&":
            self._last = ""
            return True
        if char == "†" and self._last == "id":
            self._note_ends = self.size + _LONGEST_NOTE
            return True
        return char in "_-:.#" and self._last == "word"

    def takes_citation(self, ids: list[int]) -> bool:
        """Read a citation, of no id when it was struck; False when this cannot become one itself any more."""
        self._cites = True
        if not ids or self._note_ends:
            self.ids.update(dict.fromkeys(ids))
            return True
        self._end_number()
        ended = self._end_word()
        self._last = "id"
        self.ids.update(dict.fromkeys(ids))
        return ended

    def is_citation(self, known: Container[int]) -> bool:
        """Whether this, closed here, is a citation, and not the author's own bracket."""
        if not self._note_ends and not self._end_word():
            return False
        self._end_number()
        if self._cites or not self.ids:
            return self._cites
        if self.opening in _ROUND:
            return not self._said.isdisjoint(_CHUNK)
        if self.opening == "【" or self._note_ends or not self._said.isdisjoint(_SURE):
            return True
        return not self._dressed and any(i in known for i in self.ids)

    def _end_word(self) -> bool:
        """False for a word that is only begun."""
        if not self._word:
            return True
        word, self._word, self._last = self._word, "", "word"
        self._said.add(word)
        return word in _WORDS

    def _end_number(self) -> None:
        if self._digits:
            self.ids[int(self._digits) if len(self._digits) <= _LONGEST else -1] = None
            self._digits = ""
