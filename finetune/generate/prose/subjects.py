"""What a sentence is about, when it can stand in a question by itself: the title, or a phrase with a proper name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from finetune.generate.titles import elide, is_name, page, plain, quoted
from retrieval.text import fold
from retrieval.types import Language

LONGEST = 9
"""Words of a subject that still reads well in a question."""

_ARTICLE: dict[Language, re.Pattern[str]] = {
    "fr": re.compile(r"(?:[Ll]e|[Ll]a|[Ll]es)\s+|[Ll]['’]"),
    "en": re.compile(r"[Tt]he\s+"),
}
# Words that point back, join, negate or open a clause: with one of them a phrase does not stand alone.
_BARRED: dict[Language, frozenset[str]] = {
    "fr": frozenset(
        "qui que qu' dont où et ou ni mais car si comme quand lorsque puis donc or ne y il elle ils elles on ce "
        "cet cette ces cela ça ceci celui celle ceux celles son sa ses leur leurs notre nos votre vos mon ma mes "
        "je tu nous vous se me te lui eux tout toute tous toutes chaque plusieurs certains certaines quelques "
        "autre autres même mêmes dernier dernière derniers dernières ainsi aussi alors ensuite enfin aujourd'hui "
        "actuellement un une tel telle soit chez selon parmi malgré grâce après avant pendant depuis lors sous "
        "sans contre vers entre dans par sur avec est sont a ont était fut été premier première premiers "
        "premières second seconde deuxième troisième nouveau nouvelle nouveaux nouvelles présent présente fois "
        "ici là plupart majorité moitié fait".split()
    ),
    "en": frozenset(
        "who whom whose which that and or nor but because if as when where while then so it he she they we you i "
        "this these those his her its their our your my him them us one ones some any each every all both several "
        "many most few another other others same such also however thus therefore there here now today later a an "
        "at by with from into after before during since under without against among between about than is are was "
        "were be been has have had did does do to first second third last latter former new only next previous "
        "early late half majority".split()
    ),
}  # fmt: skip
_LAST_BARRED: dict[Language, frozenset[str]] = {
    "fr": frozenset("le la les l' de du des d' à au aux en pour".split()),
    "en": frozenset("the of in on for".split()),
}
# A capital alone makes no name of these: which council, which state, the text before says.
_GENERIC = frozenset(
    "conseil commission cour gouvernement parlement parti président présidente roi reine empereur assemblée sénat "
    "ministre ministère ligue club constitution chambre comité loi musée université république empire église "
    "ville région département union fédération société groupe premier première etat état états pays royaume duc "
    "comte prince pape maire agence service plateforme équipe startup fondation institut école lycée bureau "
    "direction projet programme site compagnie entreprise ministères marché système code guerre alliés council "
    "commission court government parliament party president king queen emperor assembly senate minister ministry "
    "league house constitution chamber committee act museum university republic church city region department "
    "union federation company group state states kingdom duke count prince pope mayor agency service team "
    "foundation institute school office project program programme board bureau crown treaty congress society "
    "division army navy corps secretary chief earth sun moon internet web north south east west".split()
)
# What a page calls the thing it is about; another noun does so where its title has it ("la guerre").
_OF_A_PAGE = frozenset(
    "service projet produit dispositif plateforme outil application site startup logiciel "
    "entreprise société association "
    "programme expérimentation investigation project product platform tool software company association program "
    "programme".split()
)
_DEFINITE: dict[Language, str] = {
    "fr": r"(?:\b(?:le|la|les|au|aux|du)\s|\b[ld]es\s|l')",
    "en": r"\b(?:the|both|all)\s",
}
_PARTICLES = frozenset(
    "de du des d' von van der den di da del della la le les of the and for in on et al bin ibn y s".split()
)
_INITIALS = re.compile(r"[A-ZÀ-Þ](?:\.-?[A-ZÀ-Þ])*\.")
_BRACKET = re.compile(r"\s\(([^()]{1,60})\)$")


@dataclass(frozen=True)
class Subject:
    """A phrase as it stands inside a question: `l'ANCT`, `Redis`, `the Eiffel Tower`."""

    text: str
    is_title: bool = False
    page: str = ""
    """What a question needs after it where the phrase alone does not say which one: `, d'après la page « GIDAF »`."""

    @property
    def masculine(self) -> bool:
        return self.text.startswith("le ")

    @property
    def feminine(self) -> bool:
        return self.text.startswith("la ")


def subject(words: str, title: str, chunk: str, language: Language) -> Subject | None:
    """The words before a verb as a subject, or None where they do not stand alone."""
    words = _BRACKET.sub("", words)
    article = _ARTICLE[language].match(words)
    bare = words[article.end() :] if article else words
    if bare and fold(bare) in _names(title, language):
        # "La bonne alternance" is no alternance that is good: a title with an article of its own is quoted.
        own = fold(words) in {fold(name) for name in _spoken(title)} and not is_name(bare)
        return Subject(quoted(words, language) if own else _inside(words, article), True)
    tokens = re.sub(r"(?<=['’])", " ", bare).split()
    if not 0 < len(tokens) <= LONGEST or re.search(r"[,;:!?()«»“”\"—–/]|\d{5}", bare):
        return None
    if _barred(re.sub(r" par défaut\b", "", " ".join(tokens)).split(), language):
        return None
    if _named(tokens, bool(article), title, chunk):
        return Subject(_inside(words, article))
    own = tokens[0] in _OF_A_PAGE or fold(tokens[0]) in fold(plain(title)).split()
    told = bool(article) and (own or 1 < len(tokens) < 7) and tokens[0].islower()
    return Subject(_inside(words, article), page=aside) if told and (aside := told_by(title, language)) else None


def told_by(title: str, language: Language) -> str:
    """`, d'après la page « GIDAF »`; nothing where the title would say nothing in a question."""
    text = plain(title)
    return f", {page(text, language)}" if 1 < len(text) <= 60 and text[-1] not in "?!.:" else ""


def unclear(phrase: str, language: Language) -> bool:
    """Whether a phrase names something definite that only its page makes clear: `the first version`."""
    return not has_name(phrase) and re.search(_DEFINITE[language], phrase) is not None


def standalone(phrase: str, language: Language) -> bool:
    """Whether an object, agent or place can stand in a question: nothing points back."""
    tokens = re.sub(r"(?<=['’])", " ", phrase).lower().split()
    return not any(t.strip(",;:") in _POINTS_BACK[language] for t in tokens)


def has_name(phrase: str) -> bool:
    """Whether a phrase, its first word aside unless it is alone, holds a proper name."""
    tokens = re.sub(r"(?<=['’])", " ", phrase).split()
    return any(_proper(t) for t in tokens)


def contract(preposition: str, phrase: str) -> str:
    """`de`, `à` before a French phrase: `du Conseil d'État`, `des Ulis`, `d'Acceslibre`, `aux Invalides`."""
    for article, made in ((("le "), {"de": "du", "à": "au"}), (("les "), {"de": "des", "à": "aux"})):
        if phrase.startswith(article):
            return f"{made[preposition]} {phrase[len(article) :]}"
    return elide("de", phrase) if preposition == "de" else f"à {phrase}"


_POINTS_BACK: dict[Language, frozenset[str]] = {
    "fr": frozenset(
        "il elle ils elles ce cet cette ces cela ça ceci celui celle ceux celles y lui eux ici là notre nos votre "
        "vos mon ma mes précédent précédente même mêmes tel telle tels telles autre autres celui-ci celle-ci "
        "également aussi ensuite alors ainsi donc toutefois cependant enfin puis dernier dernière on je nous vous "
        "son sa ses leur leurs se s' l'un l'autre".split()
    ),
    "en": frozenset(
        "it he she they this these those that him them his her its their there here such same other others "
        "another also then thus however therefore instead again later too so still both we our us you your i my "
        "latter former one ones meanwhile afterwards thereby".split()
    ),
}  # fmt: skip


def _names(title: str, language: Language) -> set[str]:
    """A title's own words, and what stands before its comma, dash, colon or bracket."""
    return {fold(_ARTICLE[language].sub("", name, count=1).strip()) for name in _spoken(title)} - {""}


def _spoken(title: str) -> list[str]:
    text = plain(title)
    return [name for name in (text, re.split(r"\s*[,:(–—]|\s-\s", text)[0]) if len(name) > 1]


def _inside(words: str, article: re.Match[str] | None) -> str:
    return words[0].lower() + words[1:] if article else words


def _barred(tokens: list[str], language: Language) -> bool:
    low = [t.lower().replace("’", "'") for t in tokens]
    if low[-1] in _LAST_BARRED[language] or any(t in _BARRED[language] for t in low):
        return True
    return any(t in ("n'", "s'", "c'", "j'", "m'", "t'", "lorsqu'", "puisqu'", "jusqu'") for t in low) or any(
        t.endswith(".") and not _INITIALS.fullmatch(t) for t in tokens
    )


def _named(tokens: list[str], article: bool, title: str, chunk: str) -> bool:
    if article:
        # "le Parti communiste chinois": a capital that names nothing alone does so with two more words.
        return any(_proper(t) for t in tokens) or (tokens[0][:1].isupper() and len(tokens) > 2)
    # Every sentence begins with a capital: the first word is a name only where the text says so elsewhere.
    if not all(_proper(t) or t.lower() in _PARTICLES or t[:1].isdigit() for t in tokens):
        return False
    first = tokens[0]
    if not _proper(first) or first.lower() in _GENERIC:
        return False
    if re.fullmatch(r"[\w&-]*[A-Z][\w&-]*[A-Z0-9][\w&-]*", first) or first in plain(title).split():
        return True
    if len(tokens) > 1 and _proper(tokens[1]):
        return True
    return re.search(rf"[a-zà-ÿ,]\s{re.escape(first)}\b", chunk) is not None


def _proper(token: str) -> bool:
    word = token.strip(".,'’")
    return word[:1].isupper() and word.lower() not in _GENERIC and (len(word) > 1 or token.endswith("."))
