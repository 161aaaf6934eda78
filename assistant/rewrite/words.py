"""Words that carry the form of a question, names in it, and the phrase it is about; no model, no word classes.

Everything is compared on `plain` text: lower case without accents, character for character, so that positions found in
it are positions in the text as typed.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from retrieval.text import fold
from retrieval.types import Language

Span = tuple[int, int]

_DETERMINERS: dict[Language, frozenset[str]] = {
    "en": frozenset("the a an this that these those my your our his her its their some any each every".split()),
    "fr": frozenset("le la les l un une des du au aux ce cet cette ces mon ma mes son sa ses notre nos votre vos leur leurs".split()),
}  # fmt: skip
_JOINTS: dict[Language, frozenset[str]] = {
    "en": frozenset("of by for in on at to from with and or between vs s".split()),
    "fr": frozenset("de d a en pour par sur dans avec entre et ou contre chez sous".split()),
}
"""Words that may stand inside the phrase a question is about."""
_FORM: dict[Language, frozenset[str]] = {
    "en": frozenset(
        "what which who whom whose when where why how is are was were be been being am do does did done has have had can could "
        "will would shall should may might must i you we they he she it me us them him there here not no yes if then than as "
        "so also too just only about into over after before during through while because since until but both all many much "
        "more most less least few other another same such very really actually still now ever never please tell give show "
        "list name explain describe define find let know think want need mean get got go going new one ones own don doesn "
        "didn isn aren wasn weren can't cannot won like ok okay oh up out off t re ve ll m d s that's it's kind sort "
        "happen happens happened did".split()
    ),
    "fr": frozenset(
        "qui que qu quoi dont ou quel quelle quels quelles lequel laquelle lesquels lesquelles comment pourquoi combien quand "
        "est sont etait etaient fut furent sera seront serait etre ete a ont avait avaient aura auront avoir ai as avez avons "
        "eu fait font faire faut peut peuvent peux pouvez pouvoir doit doivent dois devoir il elle ils elles on je j tu nous "
        "vous me m te t se s y en ne n pas plus moins tres aussi encore toujours deja jamais bien alors donc mais or ni car si "
        "comme lui eux moi toi c cela ca ceci ci voici voila sans vers depuis avant apres pendant lors entre tout toute tous "
        "toutes meme memes autre autres quelque quelques dit sert servent trouve trouver donne donner donnez liste lister "
        "cite citez explique expliquer decris savoir sait veut voudrais veux merci oui non y-a-t-il est-ce".split()
    ),
}
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
_TOKEN = re.compile(r"[^\W_]+(?:[.+#&/-][^\W_]+)*(?:\+\+|#|\+)?")
_CLITIC = re.compile(r"-(?:t-)?(?:il|elle|ils|elles|on|ce|je|tu|nous|vous|le|la|les|moi|y|en)(?:-\w+)*$")
_STOP = re.compile(r"[.!?:;…]\s*[\"'«“(]*$")
_VERBS: dict[Language, frozenset[str]] = {
    "en": frozenset(
        "work works make makes take takes took use uses used live lives play plays sleep eat eats start starts end ends begin "
        "begins offer offers store stores call called look looks come comes came give gives keep keeps run runs become becomes "
        "became die died change changes help helps add delete remove create update install build set put see say says said tell "
        "ask answer cost costs pay paid cause causes include includes mean means buy sell send read write support supports "
        "provide provides allow allows require requires need needs like likes want wants try tried going taken made done gone "
        "been known invented created built located found founded held won lost written spoken grow grows move moves enter "
        "enters leave leaves meet happen appear appears differ compare improve handle protect protects seem seems view affect "
        "affects".split()
    ),
    "fr": frozenset(
        "utilise utilisent porte portent permet permettent coute coutent marche fonctionne fonctionnent incube finance "
        "financent gere gerent heberge sponsorise developpe cree creee ecrit ecrite ecoute date vient viennent devient "
        "appartient concerne existe contient contiennent commence finit signifie represente propose proposent aide aident "
        "soutient dirige fabrique produit vit vivent meurt mort ne nee joue jouent provient proviennent s'adresse".split()
    ),
}
"""Frequent verbs: they end a phrase. A phrase with an unknown verb in it is longer than it should be, no more."""
_ADJECTIVES = frozenset("available possible important worth free different same true sure ready".split())
_RELATION = re.compile(
    r"^(?:(?:the|les?|la|l'|a|an|une?|des) ?)?(?:\w+ )?(?:\w+ (?:and|or|et|ou) )?(?:differen\w+|meanings?|types?|causes?|names?|"
    r"number|kinds?|parts?|roles?|purpose|definition|importance|advantages?|disadvantages?|benefits?|steps?|shapes?|size|history|"
    r"examples?|list|ways?|process|distance|age|population|cost|price|origins?|title|signification|noms?|nombre|but|avantages?|"
    r"inconvenients?|etapes?|taille|histoire|exemples?|liste|facons?|manieres?|processus|prix|cout|origine|titre|auteur|date|"
    r"annee|licence|license|port|version|categor\w+|rise|fall|end|fin|debut|beginning|capital\w*|objectif)\s+"
    r"(?:of|between|de|du|des|d'|entre|for)\s*"
)
"""The head of "the meaning of X", which is asked about X."""
PHRASE_WORDS = 9
"""Words of a phrase that stands for the matter of a question without names."""


@functools.lru_cache(maxsize=512)
def plain(text: str) -> str:
    """Lower case without accents, of the same length."""
    return "".join(f if len(f := fold(c)) == 1 else " " if c.isspace() else c for c in text.replace("’", "'"))


@dataclass(frozen=True)
class Word:
    """A word with its place in the text; `key` is its plain form."""

    start: int
    end: int
    text: str
    key: str


@functools.lru_cache(maxsize=512)
def split(text: str) -> tuple[Word, ...]:
    """The words of a text; apostrophes separate, hyphens do not, except before a pronoun (`est-il`)."""
    made, low = [], plain(text)
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        if tail := _CLITIC.search(low[start:end]):
            end = start + tail.start()
        made.append(Word(start, end, text[start:end], low[start:end]))
    return tuple(made)


def is_form(word: Word, language: Language) -> bool:
    """Whether a word says nothing of the matter."""
    key = word.key
    return key in _FORM[language] or key in _DETERMINERS[language] or key in _JOINTS[language]


def has_verb(text: str, language: Language) -> bool:
    """Whether a frequent verb is in it."""
    return any(w.key in _VERBS[language] for w in split(text))


def content(text: str, language: Language) -> list[Word]:
    """Words that say what a text is about; single letters and digits too."""
    return [w for w in split(text) if not is_form(w, language)]


def keys(text: str) -> set[str]:
    """Plain forms of every word of a text."""
    return {w.key for w in split(text)}


@functools.lru_cache(maxsize=512)
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
        acronym = words[j].text.isupper()
        if (
            k == j + 1
            or acronym
            or k >= len(words)
            or not strong[k]
            or text[words[k - 1].end : words[k].start] not in " '’"
        ):
            break
        j = k
    return j


def phrase(text: str, language: Language) -> str:
    """What a question without names is about: its longest run of content words with what joins them."""
    best: list[Word] = []
    weight = 0.0
    for run in runs(text, language):
        matter = sum(not is_form(w, language) for w in run)
        score = min(matter, 4) + (run[0].key in _DETERMINERS[language]) / 2
        if matter and score > weight:
            best, weight = run, score
    if not best:
        return ""
    said = text[best[0].start : best[-1].end]
    head = _RELATION.match(plain(said))
    return said[head.end() :] if head and head.end() < len(said) else said


def _extended(text: str, words: tuple[Word, ...], last: int, first: int, language: Language) -> int:
    """The name with the English noun behind it: "the CIS instance", unless a verb may stand there."""
    if language == "fr" or words[first - 1].key in _AUXILIARIES or (first > 1 and words[first - 2].key in _AUXILIARIES):
        return last
    end = last
    while end + 1 < len(words) and end < last + 2 and text[words[end].end : words[end + 1].start] == " ":
        after = words[end + 1]
        if (
            is_form(after, language)
            or after.key in _VERBS["en"]
            or after.key.endswith(("ed", "ing", "ly"))
            or after.text[0].isdigit()
        ):
            break
        end += 1
    return end


_AUXILIARIES = frozenset(
    "do does did is are was were has have had can could will would shall should may might must".split()
)


def runs(text: str, language: Language) -> list[list[Word]]:
    """The phrases of a text, each without the form words and verbs around it."""
    found: list[list[Word]] = [[]]
    before: Word | None = None
    for word in split(text):
        form = (
            word.key in _FORM[language]
            or word.key in _VERBS[language]
            or word.key in _ADJECTIVES
            or _participle(word, found[-1], language)
        )
        broken = before is not None and re.search(r"[^\s'’\"«»“”-]", text[before.end : word.start]) is not None
        if form or broken or len(found[-1]) >= PHRASE_WORDS:
            found.append([])
        if not form:
            found[-1].append(word)
        before = word
    return [r for r in (_trimmed(run, language) for run in found) if r]


def _participle(word: Word, run: list[Word], language: Language) -> bool:
    """ "invented" behind "the cotton gin"."""
    return (
        language == "en"
        and len(word.key) > 4
        and word.key.endswith("ed")
        and any(not is_form(w, language) for w in run)
    )


def _trimmed(run: list[Word], language: Language) -> list[Word]:
    """The run without joints at its ends."""
    loose = _JOINTS[language]
    while run and run[0].key in loose:
        run = run[1:]
    while run and (run[-1].key in loose or run[-1].key in _DETERMINERS[language]):
        run = run[:-1]
    return run
