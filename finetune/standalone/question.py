"""Whether a question stands alone: whoever has not read the text before it still knows what it is about.

    Quel port écoute PostgreSQL ?                 stands alone
    Quel port écoute-t-il ?                       a pronoun that stands for nothing
    Qui héberge cette application ?               points at something that is not there
    Quelle est la licence du logiciel ?           which one?
    Selon le passage, qui a créé Redis ?          who asks has no passage

Rules, strict rather than lenient: a question that is dropped costs little, one that leans on a lost text teaches to guess.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from finetune.standalone import english, french
from finetune.standalone.words import DEFINITION, NAME, NOT_NAMES, VAGUE
from retrieval.lexical import analyze
from retrieval.text import fold
from retrieval.types import Language

LONGEST = 1000
"""Characters; longer texts are no questions."""

_QUOTED = re.compile(r"«[^«»]{1,200}»|\"[^\"]{1,200}\"|`[^`]{1,200}`")
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ′", "'") | dict.fromkeys("“”„", '"') | {"‑": "-", "‐": "-"})
_WORD = re.compile(r"[^\W_]+(?:[.+#_/][^\W_]+|[+#]+)*")
# Who says it is not what is asked about: "selon la DINUM", "according to ANSSI".
_ATTRIBUTION = re.compile(rf"\b(?:selon|d'apres|according to) (?:(?:la |le |les |the )|l')?{NAME}(?: {NAME})*")
_LEANS = {"fr": french.leans, "en": english.leans}


def standalone(question: str, language: Language, names: Collection[str] = ()) -> bool:
    """Whether the question can be understood without the text it was made from.

    `names`: what the text is about, as its title says; counts as a name also where it is written in lower case (`etcd`).
    """
    if not question.strip() or len(question) > LONGEST:
        return False
    marked = _marked(question, names)
    return not (_LEANS[language](marked) or _vague(marked, language))


def _marked(question: str, names: Collection[str]) -> str:
    """The question in plain lower case, each name in it as `¤`."""
    text = " ".join(question.translate(_APOSTROPHES).replace(NAME, " ").split())
    text = _QUOTED.sub(NAME, text)
    for name in sorted(filter(None, (" ".join(n.translate(_APOSTROPHES).split()) for n in names)), key=len)[::-1]:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", NAME, text, flags=re.IGNORECASE)
    first = _WORD.search(text)
    text = _WORD.sub(lambda match: _word(match, first is not None and match.start() == first.start()), text)
    return _ATTRIBUTION.sub("selon", fold(text))


def _word(match: re.Match[str], first: bool) -> str:
    """The word, or the mark when it is a name; only its form tells for the first word of a sentence."""
    word = match[0]
    if fold(word) in NOT_NAMES or word in ("I", "A", "À"):
        return word
    inner = (
        "." in word
        or any(c.isupper() for c in word[1:])
        or (any(c.isdigit() for c in word) and any(c.isalpha() for c in word))
    )
    return NAME if inner or (word[0].isupper() and not first) or _opens_with_name(word, first) else word


def _opens_with_name(word: str, first: bool) -> bool:
    """Whether a capital at the beginning is that of a name: questions begin with a handful of words."""
    return first and word[0].isupper() and fold(word) not in OPENERS


def _vague(marked: str, language: Language) -> bool:
    """Whether nothing in it says what it is about: `Quelle est la date de création ?`"""
    if NAME in marked or re.search(r"\d", marked) or DEFINITION[language].search(marked):
        return False
    return all(term in VAGUE[language] for term in analyze(marked, language))


OPENERS = frozenset(
    "a au aux avec ca c ce cet cette ces chez cite citer citez combien comment compare comparez dans de depuis d des "
    "decrire decris decrivez definis definissez depuis donne donnez dis dites doit dois du elle elles en entre est etait "
    "et existe expliquer explique expliquez fait faut il ils indique indiquez j je jusqu l la le les lequel laquelle "
    "lesquels lesquelles liste listez lors mais mentionne nomme nommez nous on ont ou par parmi pendant peut peuvent peux "
    "pour pourquoi pourriez pouvez precisez presente presentez puis qu quand que quel quelle quelles quels qui quoi "
    "resume resumez sait s selon si sont sous sur t tu un une vers vous y a quelle quelles alors donc car sinon ensuite etant compte "
    "vrai son sa ses leur leurs notre nos votre vos mon ma mes ton ta tes lui aussi avant apres sans plus moins "
    "about above according assuming based after all also am an and are as at because before below between but by can compare could define "
    "describe did do does during each explain find for from give given had has have he her here his how i if in into is it its "
    "identify let list may me might must my name nor of on one or our outline please she should show so state suppose "
    "summarise summarize tell than that the their them then there these they this those through to under until upon us "
    "using was we were what whatever when where which while who whom whose why will with within without would yes no you "
    "your it's what's who's where's how's when's true false both either".split()
)
"""Words that a question may begin with and that are no names."""
