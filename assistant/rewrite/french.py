"""French words that point back: pronouns, possessives, demonstratives, and what makes them point nowhere."""

from __future__ import annotations

import re

from assistant.rewrite.question import Asked, Rewritten, of
from assistant.rewrite.words import names

_EASE = (
    "vrai|possible|impossible|necessaire|obligatoire|interdit|utile|inutile|prudent|normal|preferable|conseille|recommande|prevu|facile|difficile|"
    "important|indispensable|permis|autorise|temps|trop tard|question|courant|frequent|bon|mieux"
)
_NOWHERE = rf"(?:y a|y avait|y aura|faut|fallait|faudra|faudrait|s'agit|existe|suffit|convient|pleut|neige|vaut mieux|fait (?:froid|chaud|beau|jour|nuit)|arrive que|se passe|(?:est|etait|serait) (?:\w+ment )?(?:{_EASE})\b.{{0,25}} (?:de|d'|que|qu'))"
_EXPLETIVE_VERB = re.compile(
    r"(?:\by a|\bfaut|\bfaudra|\bfaudrait|\bfallait|s'agit|s'agissait|\bexiste|\bexistait|\bsuffit|\bconvient|\bpleut|\bneige|\bvaut|\breste|se passe|se passait|\bpasse|\barrive|\bimporte|peut)-(?:t-)?(?:il|elle)\b"
    r"|quelle heure est-il"
)
_EXPLETIVE_EASE = re.compile(rf"(?:est|etait|serait)-il (?:\w+ment )?(?:{_EASE})\b.{{0,25}} ?(?:de|d'|que|qu')")
_INVERTED = re.compile(
    r"(?P<verb>(?:\b(?:ne |n'|se |s'|y |en |l'|le |la |les |lui |leur ))?\b[a-z]+)-(?:t-)?(?:il|elle|ils|elles)\b"
)
_SUBJECT = re.compile(
    rf"(?:^|(?<=[ ',(]))(?P<pronoun>(?:ils?|elles?))\s+(?!{_NOWHERE})(?=(?:n'|ne |s'|se |y |en |l'|le |la |les )?[a-z])"
)
_POSSESSIVE = re.compile(r"\b(?P<owner>son|sa|ses|leurs?)\s+(?P<noun>[a-z][a-z'-]+)")
_DEMONSTRATIVE = re.compile(
    r"\b(?:(?P<prep>de|a|pour|avec|dans|sur|par) )?(?P<this>celui-ci|celle-ci|ceux-ci|celles-ci|celui-la|celle-la|ce dernier|cette derniere|ces derniers|ces dernieres|cela|ceci|ca|"
    r"ce (?=fut|sera))\b(?! (?:de|d'))"
)
_THIS = re.compile(
    r"\b(?P<this>ce|cet|cette|ces)\s+(?!(?:que|qu|qui|dont|sont|n|sera|fut|a quoi|soit|mois|jour|jours|matin|soir|midi|moment|siecle|printemps|"
    r"annee|semaine|week|type|genre|sorte)\b)(?P<noun>[a-z-]+)(?:-l[aà])?"
)
_AFTER_PREPOSITION = re.compile(
    r"\b(?P<prep>avec|pour|par|chez|de|d'|a|sur|contre|sans|entre) ?(?P<it>lui|elle|eux|elles)\b(?!-)"
)
_VERB_OBJECT = re.compile(
    r"(?:(?<!a )(?<!de )(?<!pour )(?<!avec )(?<!par )(?<!chez )\bqui (?:nous |vous |m')?|\b(?:on|je|j'|tu|nous|vous) |-(?:on|je|tu|nous|vous) )"
    r"(?P<it>l'|le |la |les |leur |lui )(?=[a-z]{2,})"
)
_INFINITIVE_OBJECT = re.compile(
    r"\b(?:comment|ou|pourquoi|quand|pour|de|a|sans|peut-on|faut-il|dois-je|puis-je|peux-tu|pouvez-vous|doit-on) (?P<it>l'|le |la |les |lui |leur )"
    r"(?=[a-z]+(?:er|ir|re)\b(?: (?:sur|dans|avec|a|en|pour|sans|chez|depuis|sous|gratuitement|facilement|soi|ou|et|plus|via|par)\b|\s*[?.!]*$))"
)
_Y = re.compile(
    r"\b(?:qui |on |comment |peut-on |ou |pour |d'|je |j'|s'|n'|l'|vous |nous |-on |-je )(?P<it>y )(?!a\b|avait\b|aura\b|ont\b|compris\b)[a-z]"
)
_EN = re.compile(
    r"\b(?:qui |comment |on |-on |-t-on |pourquoi |j'|je |qu'|n'|pour |quand |combien |que peut-on |faut-il |quoi )(?P<it>en )"
    r"(?=(?:est|sont|etait|etaient|a|ont|fait|assure|finance|dit|pense|[a-z]{3,}(?:er|ir|re))\b)"
)
_IT_IS = re.compile(
    r"^(?:et |mais |alors |donc )?(?P<it>c'est|c'etait|est-ce(?! que\b| qu')|etait-ce)\b\s*(?P<rest>.*)$"
)
_WHAT_IS_IT = re.compile(r"\b(?:qu'est[- ]ce que c'est|c'est quoi|qu'est-ce|kesako)\s*[?!.]*$")
_THEN = re.compile(r"\ba (?:cette|l') ?epoque(?:-la)?|\ba ce moment(?:-la)\b|\bla-bas\b|\b(?:la-)?(?:dessus|dedans)\b")
_NOUN_BEFORE = re.compile(
    r"\b(?:l'|(?:le|la|les|un|une|des|du|mon|ma|mes|votre|vos|notre|nos|chaque|deux|trois) )(?!plupart|plus)[a-z]{2,}"
)
_WH_NOUN = re.compile(
    r"\b(?:quels?|quelles?|combien (?:de|d'))\s*(?!est\b|sont\b|etait\b|etaient\b|fut\b|sera\b)[a-z]{2,}"
)
_CONSONANT_ARTICLE = {"son": "le", "sa": "la", "ses": "les", "leur": "le", "leurs": "les"}
GENERIC = frozenset(
    "application appli app projet produit service logiciel outil systeme plateforme programme site startup start-up demarche solution fiche dispositif "
    "initiative entreprise livre film serie jeu bibliotheque langage base serveur equipe mouvement".split()
)
_OPENING = frozenset(
    "qui que qu quoi quel quelle quels quelles comment pourquoi combien quand ou est sont a ont existe peut dans depuis avec par pour sur en de d l le la les un une des "
    "ce cet cette ces c son sa ses il elle ils elles y et mais ou donc alors lequel laquelle lesquels s si sous chez vers jusqu a au aux parmi selon "
    "etait fait faut doit sert donne liste cite va".split()
)


def resolve(asked: Asked) -> Rewritten | None:
    """The question with what points out of it replaced by what it points to."""
    return _this(asked) or _subject(asked) or _owner(asked) or _object(asked) or _it_is(asked) or _then(asked)


def _inside(asked: Asked, before: str, *, nouns: bool = True) -> bool:
    """Whether something named before in the question is meant."""
    if names(asked.text[: len(before)], "fr"):
        return True
    first = asked.words[0]
    if first.text[:1].isupper() and first.key not in _OPENING and first.end <= len(before):
        return True  # "Redis, quel est son port ?"
    return bool(_NOUN_BEFORE.search(before)) or (nouns and bool(_WH_NOUN.search(before)))


def _who(asked: Asked, pronoun: str) -> str:
    return asked.past.person if pronoun in ("il", "elle", "lui") and asked.past.person else asked.topic


def _subject(asked: Asked) -> Rewritten | None:
    low = asked.plain
    for match in _INVERTED.finditer(low):
        if _EXPLETIVE_VERB.search(low[max(0, match.start() - 2) : match.end()]) or _EXPLETIVE_EASE.match(
            low[match.start() :]
        ):
            continue
        if re.search(r"quelle heure $", low[: match.start()]) or _inside(asked, low[: match.start()], nouns=False):
            continue
        return asked.replaced((match.start(), match.start()), _who(asked, "il"), "pronoun")
    for match in _SUBJECT.finditer(low):
        if match.start() and low[match.start() - 1] == "-":
            continue
        if _inside(asked, low[: match.start("pronoun")], nouns=False):
            continue
        return asked.replaced(match.span("pronoun"), _who(asked, match["pronoun"]), "pronoun")
    for match in _AFTER_PREPOSITION.finditer(low):
        if not _inside(asked, low[: match.start()]):
            return asked.replaced(match.span("it"), _who(asked, match["it"]), "pronoun")
    return None


def _owner(asked: Asked) -> Rewritten | None:
    low = asked.plain
    for match in _POSSESSIVE.finditer(low):
        before = low[: match.start()]
        if (
            re.search(r"\b(?:le|un|du|au|ce|quel|de|et)\s*$", before)
            and match["owner"] == "son"
            and not re.search(r"\b(?:et|de)\s*$", before)
        ):
            continue  # a sound
        if match["owner"].startswith("leur") and re.search(r"\bqui\s*$", before):
            continue  # "qui leur permet"
        if _inside(asked, before) or re.match(
            r"qui (?!est\b|sont\b|etait\b|etaient\b|fut\b|sera\b|s\b|assure\b|gere\b|porte\b|finance\b|heberge\b)",
            before,
        ):
            continue
        article = (
            "l'"
            if match["noun"][0] in "aeiouy" or match["noun"][:2] in ("he", "hi", "ho", "hu")
            else _CONSONANT_ARTICLE[match["owner"]]
        )
        if match["owner"] in ("ses", "leurs"):
            article = "les"
        start, end = match.span("owner")
        if re.search(r"\bde\s*$", before) and article in ("le", "les"):
            start = re.search(r"\bde\s*$", before).start()  # type: ignore[union-attr]
            article = "du" if article == "le" else "des"
        opened = asked.text[:start] + article + " " + asked.text[end:].lstrip()
        return Asked(opened, "fr", asked.past).appended(of(asked.topic, "fr"), "possessive")
    return None


def _object(asked: Asked) -> Rewritten | None:
    low = asked.plain
    for pattern in (_VERB_OBJECT, _INFINITIVE_OBJECT, _Y, _EN):
        for match in pattern.finditer(low):
            before = low[: match.start()]
            if before and _inside(asked, before, nouns=False):
                continue
            it = match["it"].strip()
            person = _who(asked, it) if it in ("lui", "leur") else asked.topic
            part = f"à {person}" if it in ("lui", "leur", "y") else of(person, "fr") if it == "en" else person
            start, end = match.span("it")
            return Asked(asked.text[:start] + asked.text[end:], "fr", asked.past).appended(part, "pronoun")
    return None


def _it_is(asked: Asked) -> Rewritten | None:
    """ "C'est gratuit ?", "C'est quoi ?", "Est-ce libre ?" when nothing else in the question is meant."""
    if match := _WHAT_IS_IT.search(asked.plain):
        if not asked.content or match.start() == 0:
            return Rewritten(f"Qu'est-ce que {asked.topic} ?", "pronoun")
        return None
    match = _IT_IS.match(asked.plain)
    if (
        match is None
        or asked.own_names
        or len(asked.content) > 2
        or re.match(r"(?:le|la|les|l'|un|une|qui|quoi|quand|des) ?\w", match["rest"])
    ):
        return None
    return asked.replaced(
        match.span("it"),
        f"{asked.topic} {'est-il' if match['it'].startswith('est') else asked.text[slice(*match.span('it'))]}",
        "pronoun",
    )


def _this(asked: Asked) -> Rewritten | None:
    low = asked.plain
    for match in _DEMONSTRATIVE.finditer(low):
        if not _inside(asked, low[: match.start()], nouns=False):
            return asked.replaced(match.span("this"), asked.topic, "pronoun")
    for match in _THIS.finditer(low):
        if (
            asked.own_names
            or re.match(r"-?la\b", low[match.end() :])
            or re.search(r"est-$|qu'est-$", low[: match.start()])
        ):
            continue
        if match["noun"].rstrip("s") in GENERIC or match["noun"] in plain_words(asked.topic):
            return asked.replaced(match.span(), asked.topic, "description")
        if not _inside(asked, low[: match.start()], nouns=False):
            return asked.about("description")
    return None


def plain_words(text: str) -> set[str]:
    from assistant.rewrite.words import keys

    return keys(text)


def _then(asked: Asked) -> Rewritten | None:
    if _THEN.search(asked.plain) and not asked.own_names:
        return asked.about("time or place")
    return None
