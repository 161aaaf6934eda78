"""Documents that hold several things, one under each heading of a level: each thing is read as a document of its own.

# Applications                    left over: the title and what stands outside the things
## 1. GIDAF                       GIDAF
Hébergeur : SI-RAPP
### Interfaces                    a part of GIDAF
## 2. SIRPA                       SIRPA
Hébergeur : Cloud Nord

Headings part things when what stands under them states the same fields; chapters of one text do not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from finetune.generate.keys import keys_of
from finetune.generate.sections.words import ITEMS, STEPS, SUBJECTS, key
from finetune.generate.titles import is_name
from retrieval.facts import clean_markup
from retrieval.text import fold

DEEPEST = 4
"""Headings below this level part no things."""
SHARED = 2
"""Fields that things have in common at least."""
_HEADING = re.compile(r"(#{1,6})\s+(\S.*)")
_KIND = r"(?:fiche|application|appli|app|projet|project|produit|product|outil|tool|logiciel|service|module|system|système|n°)"
# "1. GIDAF", "Fiche n° 3 : GIDAF", "Application : GIDAF"; not "4.2.0" and not "Application mobile".
_LABEL = re.compile(
    rf"(?:{_KIND}\s*(?:n°\s*|no\.?\s*|#\s*)?\d*(?:\s*:|\s+[–—-])\s*|(?:n°\s*)?\d+(?:\.\d+)*\s*[.):–—-]\s+)(?=\S*[^\W\d])",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"^[\s*_-]*(?:nom(?: de l['’]application| du produit| du projet)?|name|application|application name|titre|title)[*_]*\s*:"
    r"[*_\s]*(\S[^\n|]{0,80})$",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBERED = re.compile(
    r"(?:version|article|annexe|appendix|chapitre|chapter|section|partie|part|etape|step|fiche|application|lot|release|v|n)?[\s\d.()/n°-]*"
)
PARTS = frozenset(word for table in (STEPS, ITEMS, SUBJECTS) for words in table.values() for word in words) | frozenset(
    "description identification interfaces informations details donnees contacts contact summary resume securite general generalites "
    "introduction technique technical exploitation support planning".split()
) | {"informations generales", "general information", "informations techniques", "technical information", "fiche d identite"}  # fmt: skip
"""Headings of the parts that sheets have: none of them is a thing."""


@dataclass(frozen=True)
class Piece:
    """Lines of one chunk."""

    chunk: int
    """Place of the chunk among those of its document."""
    text: str


@dataclass(frozen=True)
class Sheet:
    """What stands under one heading; a title of "" is what is left of the document around its things."""

    title: str
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        return "\n".join(piece.text for piece in self.pieces)


@dataclass(frozen=True)
class _Line:
    chunk: int
    text: str
    level: int
    """Of a heading; 0 for other lines."""


def sheets(texts: Sequence[str], title: str) -> list[Sheet]:
    """The things that a document's chunks hold, in order, and last what is left; [] when it is one thing itself."""
    lines = list(_lines(texts))
    for level in range(1, DEEPEST + 1):
        found = _sections(lines, level)
        if things := _things(found):
            left = Sheet("", tuple(piece for s in found if s not in things for piece in s.pieces))
            within = title if len(keys_of(left.text)) >= SHARED else ""
            named = [Sheet(_title(s, title, within), s.pieces) for s in things]
            return [*named, left] if left.pieces else named
    return []


def name_in(text: str) -> str:
    """What a text says the name of its thing is: `Nom : GIDAF`; else its first heading of the first level."""
    start = "\n".join(text.split("\n")[:12])
    if match := _NAMED.search(start):
        return clean_markup(match[1]).strip()
    first = next((line for line in text.split("\n") if line.strip()), "")
    return bare(first[2:]) if first.startswith("# ") else ""


def bare(heading: str) -> str:
    """A heading without number and label: `Fiche n° 3 : GIDAF` is `GIDAF`."""
    text = " ".join(clean_markup(heading).strip("#*_ ").rstrip(":").split())
    return _LABEL.sub("", text, count=1).strip() if _LABEL.match(text) else text


def is_part(heading: str) -> bool:
    """Whether a heading is that of a part, `Description`, and not the name of a thing."""
    text = fold(heading).replace("'", " ").replace("’", " ").strip(" .:!?")
    return text in PARTS or key(heading, "fr") in PARTS or key(heading, "en") in PARTS


def share(groups: Sequence[frozenset[str]]) -> bool:
    """Whether texts with these fields are of one kind: at least half of them state, and two state the same ones."""
    stating = [keys for keys in groups if len(keys) >= SHARED]
    counts = Counter(key for keys in stating for key in keys)
    common = [key for key, n in counts.items() if n >= 2 and 2 * n >= len(stating)]
    return len(stating) >= 2 and 2 * len(stating) >= len(groups) and len(common) >= SHARED


def _lines(texts: Sequence[str]) -> Iterator[_Line]:
    for chunk, text in enumerate(texts):
        fenced = False
        for line in text.split("\n"):
            fenced ^= line.lstrip().startswith(("```", "~~~"))
            match = None if fenced else _HEADING.match(line)
            yield _Line(chunk, line, len(match[1]) if match else 0)


def _sections(lines: Sequence[_Line], level: int) -> list[Sheet]:
    """Runs of lines under each heading of a level; a higher heading ends one. Their titles are the headings."""
    runs: list[tuple[str, list[_Line]]] = [("", [])]
    for line in lines:
        if 0 < line.level <= level:
            runs.append((line.text if line.level == level else "", []))
        runs[-1][1].append(line)
    return [Sheet(heading, _pieces(run)) for heading, run in runs if any(line.text.strip() for line in run)]


def _pieces(lines: Sequence[_Line]) -> tuple[Piece, ...]:
    texts: dict[int, list[str]] = {}
    for line in lines:
        texts.setdefault(line.chunk, []).append(line.text)
    joined = {chunk: "\n".join(kept).strip("\n") for chunk, kept in texts.items()}
    return tuple(Piece(chunk, text) for chunk, text in joined.items() if text.strip())


def _things(found: Sequence[Sheet]) -> list[Sheet]:
    """Those of the sections that are things, when they are."""
    headed = [s for s in found if s.title and not is_part(bare(s.title))]
    keys = [keys_of(s.text) for s in headed]
    if not share(keys):
        return []
    common = {key for key, n in Counter(key for own in keys for key in own).items() if n >= 2}
    return [s for s, own in zip(headed, keys, strict=True) if own & common]


def _title(section: Sheet, document: str, within: str) -> str:
    """What a thing is called: by its heading, unless that is only a number of it. `within`: a thing that it may be a part of."""
    heading = bare(section.title)
    if _NUMBERED.fullmatch(fold(heading)):
        match = _NAMED.search("\n".join(section.text.split("\n")[:12]))
        return clean_markup(match[1]).strip() if match else f"{document} – {heading}" if document else heading
    return heading if not within or is_name(heading) else f"{within} – {heading}"
