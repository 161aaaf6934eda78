"""French words that point back: pronouns, possessives, demonstratives, and what makes them point nowhere."""

from __future__ import annotations

import re
from dataclasses import replace

from assistant.rewrite.fields import is_general
from assistant.rewrite.names import names
from assistant.rewrite.question import Asked, Rewritten, of, tidy
from assistant.rewrite.words import keys, plain

_EASE = (
    "vrai|possible|impossible|necessaire|obligatoire|interdit|utile|inutile|prudent|normal|preferable|conseille|recommande|"
    "prevu|facile|difficile|important|indispensable|permis|autorise|temps|trop tard|courant|frequent|bon|mieux"
)
# "il y a", "il faut", "il est possible de".
_NOWHERE = (
    r"(?:y a|y en a|en existe|en reste|en faut|est (?:quelle heure|tard|tot)|"
    r"y avait|y aura|faut|fallait|faudra|faudrait|s'agit|existe|suffit|convient|pleut|neige|vaut mieux|"
    r"fait (?:froid|chaud|beau|bon|jour|nuit|quel|combien)|arrive que|se passe|"
    rf"(?:est|etait|serait) (?:\w+ment )?(?:{_EASE})\b.{{0,25}} (?:de|d'|que|qu'))"
)
# "y a-t-il", "faut-il", "est-il possible de"; the marks between verb and pronoun are often missing.
_EXPLETIVE = re.compile(
    r"(?:\by a|\by en a|\by avait|\bfaut|\bfaudra|\bfaudrait|\bfallait|s'agit|s'agissait|\bsuffit|\bconvient|"
    r"\bpleut|\bneige|\bvaut|\breste|[sc]e passe|[sc]e passait|\bpasse|\barrive|\bimporte|peut)[- ]?(?:t ?[-' ])?(?:il|elle)\b"
    r"|\bexist(?:e|ait)[- ]t[- ]il (?=\w)"
    r"|temps (?:fait|faisait|fera)[- ](?:t-)?il\b|fait[- ]il (?:tres )?(?:froid|chaud|beau|bon|jour|nuit)\b"
    rf"|quelle heure est-il|est[- ]il question|(?:est|etait|serait)-il (?:\w+ment )?(?:{_EASE})\b.{{0,25}} ?(?:de|d'|que|qu')"
)
_INVERTED = re.compile(r"(?:\b(?:ne |n'|se |s'|y |en |l'|le |la |les |lui ))?\b[a-z]+-(?:t-)?(?:il|elle|ils|elles)\b")
_SUBJECT = re.compile(
    rf"(?:^|(?<=[ ',(]))(?P<it>(?:ils?|elles?))\s+(?!{_NOWHERE})(?=(?:n'|ne |s'|se |y |en |l'|le |la |les )?[a-z])"
)
_AFTER_PREPOSITION = re.compile(
    r"\b(?:avec|pour|par|chez|de|a|sur|contre|sans|entre|d') ?(?P<it>lui|elle|eux|elles)\b(?!-)"
)
_POSSESSIVE = re.compile(r"\b(?P<owner>son|sa|ses|leurs?)\s+(?P<noun>[a-z][a-z'-]+)")
_DEMONSTRATIVE = re.compile(
    r"\b(?P<it>(?:celui|celle|ceux|celles)-(?:ci|la)|ce dernier|cette derniere|ces derniers|ces dernieres|cela|ceci|ca)"
    r"\b(?! (?:de\b|d'))"
)
_THIS = re.compile(
    r"\b(?:ce|cet|cette|ces)\s+(?!(?:que|qu|qui|dont|sont|n|sera|fut|a quoi|soit|mois|jours?|matin|soir|midi|moment|siecle|"
    r"printemps|annee|semaine|week|type|genre|sorte)\b)(?P<noun>[a-z-]++)(?! (?:de|du|des)\b| d')"
)
_CLITIC = "l'|le |la |les |leur |lui "
_OBJECT = (
    # "Qui la sponsorise ?", but not "À qui la loi …".
    re.compile(
        rf"(?<!a )(?<!de )(?<!pour )(?<!avec )(?<!par )(?<!chez )(?<!c'est )\bqui (?:nous |vous |m')?(?P<it>{_CLITIC})(?=[a-z])"
    ),
    # "Quel incubateur le porte ?"
    re.compile(
        r"\bquel(?:le)?s? (?!(?:est|sont|etait|fut|sera)\b)[a-z]+ (?P<it>l'|le |la |les )(?=[a-z]+(?: [a-z]+)?\s*\?)"
    ),
    re.compile(
        r"(?:\b(?:on|je|tu|nous|vous) (?:peut |peux |doit |dois |puis |pouvons |pouvez |vais |va |veux |veut )?"
        r"|\b(?:comment|ou|pourquoi|quand|pour|de|a|sans|peut-on|faut-il|dois-je|puis-je|peux-tu|pouvez-vous|doit-on) )"
        rf"(?P<it>{_CLITIC})(?=[a-z]+(?:er|ir|re|oir)\b(?: (?:sur|dans|avec|en|pour|sans|chez|depuis|sous|via|par|"
        r"gratuitement|facilement|soi|ou|et|plus|rapidement|directement)\b|\s*[?.!]*$))"
    ),
    # "Comment on le sauvegarde ?"
    re.compile(
        r"\b(?:on|je|tu|nous|vous) (?P<it>l'|le |la |les )(?!(?:sai|voi|pens|croi|di|veu|espere|pren)[a-z]*\b)"
        r"(?=[a-z]+\s*(?:$|[?.!,]| (?:sur|dans|avec|en|pour|sans|chez|depuis|sous|via|par|a|au|comment|ou|quand|bien)\b))"
    ),
    re.compile(r"(?:^|[ '-])(?P<it>y )(?!(?:a|en|avait|aura|ait|ont|compris)\b)(?=[a-z])"),
    re.compile(
        r"(?:\b(?:qui |comment |on |pourquoi |j'|je |qu'|n'|s'|m'|t'|pour |quand |combien |faut-il |quoi )|-on )(?P<it>en )"
        r"(?=(?:est|sont|etait|etaient|a|ont|fait|font|assure|finance|dit|pense|parle|occupe|charge|sert|"
        r"[a-z]{3,}(?:er|ir|re))\b)"
    ),
)
_DETERMINED = re.compile(r"(?:l'|(?:le|la|les|un|une|des|ce|cette|ces|son|sa|ses) )")
_STATED = re.compile(
    r"(?:[a-z]+ )?(?:(?:a|ont|avait|aurait) )?(?:decid|dit\b|prouv|confirm|annonc|valid|permis|autoris|demand|pretend|affirm|ordonn|su\b|"
    r"sait\b|pens|cru\b|vu\b|promis)"
)
"""Verbs whose object is what was said, and not what was spoken of."""
_VERB = re.compile(
    r"(?:(?:a|ont|avait|avaient|aura|auront|as|ai|avez|avons)(?:-t-on)? (?:(?:bien|deja|encore|toujours|vraiment) )?)?[a-z-]+"
)
_TO_DO = re.compile(
    r"^pour (?:le |la |les |l')(?P<verb>[a-z-]+)\b(?P<more>(?: (?:sur|dans|avec|en|sans|via|sous) .{1,40})?)\s*[?.!]*$"
)
_INFINITIVE = re.compile(
    r"(?!(?:hiv|m|f|manag|dock|scann|clust|load|contain|rout|buff|head|foot|serv|work|brok|mast|us|comput|newslett|help|lead|"
    r"pann|post|fold|compil|render)er$)[a-z]+(?:[^i]er|(?:cop|publ|modif|verif|oubl|notif|certif|identif|simplif|planif|tr)ier)$"
    r"|(?:finir|choisir|ouvrir|remplir|fournir|obtenir|tenir|maintenir|reunir|definir|reinitialiser|convertir|"
    r"agrandir|reussir|couvrir|decouvrir|voir|recevoir|prevoir|mettre|permettre|remettre|lire|ecrire|suivre|prendre|"
    r"reprendre|apprendre|rendre|vendre|connaitre|faire|refaire|etendre|construire|detruire|reduire|joindre|traduire|"
    r"arreter|inscrire)$"
)
_IT_IS = re.compile(r"^(?:(?:[a-z]+ )?quo?i )?(?P<it>c'est|c'etait|est-ce(?! que\b| qu')|etait-ce)\b\s*(?P<rest>.*)$")
_DEFINED = re.compile(r"(?:le |la |les |l'|un |une |des |qui\b|quoi\b|quand\b)\s?\w*")
_WHAT_IS_IT = re.compile(
    r"^(?:qu'est[- ]ce que c'est|c'est quoi|qu'est-ce|kesako)(?: exactement| au juste| concretement| precisement)?\s*[?!.]*$"
)
_THEN = re.compile(r"\ba (?:cette|l') ?epoque(?:-la)?|\ba ce moment-la\b|\bla-bas\b|\b(?:la-)?(?:dessus|dedans)\b")
_NOUN_BEFORE = re.compile(
    r"\b(?:l'|(?:le|la|les|un|une|des|du|mon|ma|mes|son|sa|ses|leurs?|votre|vos|notre|nos|chaque|deux|trois) )"
    r"(?!plupart|plus)[a-z]{2,}"
)
_WH_NOUN = re.compile(
    r"\b(?:quels?\b|quelles?\b|combien (?:de\b|d'))\s*(?!(?:est|sont|etait|etaient|fut|sera)\b)[a-z]{2,}"
)
# "Qui est son maire ?" asks of what was said; "Qui a perdu son titre ?" does not.
_OWN_SUBJECT = re.compile(r"qui (?!(?:est|sont|etait|etaient|fut|sera|s|assure|gere|porte|finance|heberge)\b)")
_PERSONAL = re.compile(r"(?:numero|telephone|portable|mail|email|courriel|bureau|poste|age|parcours|prenom)s?\b")
"""What people have, and products have not."""
_ARTICLES = {"son": "le", "sa": "la", "ses": "les", "leur": "le", "leurs": "les"}
_OPENING = frozenset(
    "qui que qu quoi quel quelle quels quelles comment pourquoi combien quand ou est sont a ont existe peut dans depuis "
    "avec par pour sur en de d l le la les un une des ce cet cette ces c son sa ses il elle ils elles y et mais donc alors "
    "lequel laquelle lesquels s si sous chez vers jusqu au aux parmi selon etait fait faut doit sert donne liste cite va "
    "leur leurs".split()
)
GENERIC = frozenset(
    "application appli app projet produit service logiciel outil systeme plateforme programme site startup start-up "
    "demarche solution fiche dispositif initiative entreprise livre film serie jeu bibliotheque langage base serveur "
    "equipe".split()
)
"""Nouns that say what kind of thing is meant, and not which."""


def resolve(asked: Asked) -> Rewritten | None:
    """The question with what points out of it replaced by what it points to."""
    return _this(asked) or _subject(asked) or _owner(asked) or _object(asked) or _it_is(asked) or _then(asked)


def _inside(asked: Asked, end: int, *, asked_noun: bool = False) -> bool:
    """Whether something named before `end` in the question is meant; `asked_noun`: also the noun of "quel …"."""
    before = asked.plain[:end]
    if names(asked.text[:end], "fr") or asked.opened_by_name(end, _OPENING) or _NOUN_BEFORE.search(before):
        return True
    return asked_noun and _WH_NOUN.search(before) is not None


def _who(asked: Asked, pronoun: str) -> str:
    return (asked.past.person if pronoun in ("il", "elle", "lui") else "") or asked.topic


def _this(asked: Asked) -> Rewritten | None:
    """As in "celui-ci", "ça", "ce projet"."""
    for match in _DEMONSTRATIVE.finditer(asked.plain):
        stated = re.search(
            r"\bqui (?:a |ont )?(?:decid|dit|prouv|confirm|annonc|valid|autoris)\w* $", asked.plain[: match.start()]
        )
        if not stated and not _inside(asked, match.start()):
            return asked.replaced(match.span("it"), asked.topic, "pronoun")
    for match in _THIS.finditer(asked.plain):
        if asked.own_names or asked.plain[: match.start()].endswith("est-"):
            continue
        noun = match["noun"].removesuffix("-la")
        if noun.rstrip("s") in GENERIC or noun in keys(asked.topic):
            return asked.replaced(match.span(), asked.topic, "description")
        if not _inside(asked, match.start()) and not is_general(asked.text):
            return asked.about("description")
    return None


def _subject(asked: Asked) -> Rewritten | None:
    """As in "Dans quelle phase est-il ?", "Elle coûte combien ?", "avec lui"."""
    for match in _INVERTED.finditer(asked.plain):
        start = match.start()
        if _EXPLETIVE.search(asked.plain[max(0, start - 13) :]) or _inside(asked, start):
            continue
        text = asked.text if start else asked.text[:1].lower() + asked.text[1:]
        return replace(asked, text=text).replaced((start, start), _who(asked, "il"), "pronoun")
    for pattern in (_SUBJECT, _AFTER_PREPOSITION):
        for match in pattern.finditer(asked.plain):
            start = match.start("it")
            title = start > 0 and asked.text[start].isupper()
            if (
                title
                or _EXPLETIVE.search(asked.plain[max(0, start - 13) : match.end("it") + 12])
                or _inside(asked, start)
            ):
                continue
            return asked.replaced(match.span("it"), _who(asked, match["it"]), "pronoun")
    return None


def _owner(asked: Asked) -> Rewritten | None:
    """As in "son incubateur": l'incubateur de Redis."""
    for match in _POSSESSIVE.finditer(asked.plain):
        before = asked.plain[: match.start()]
        sound = match["owner"] == "son" and re.search(r"\b(?:le|un|du|au|ce|quel)\s*$", before)
        clitic = match["owner"].startswith("leur") and re.search(r"\bqui\s*$", before)  # "qui leur permet"
        anyone = re.search(r"\b(?:[a-z]{2,}(?:er|ir|re)|on [a-z]+)\s*$", before)  # "déclarer ses revenus"
        if sound or clitic or anyone or _OWN_SUBJECT.match(before) or _inside(asked, match.start(), asked_noun=True):
            continue
        start, end = match.span("owner")
        opened = f"{asked.text[:start]}{_article(match)} {asked.text[end:].lstrip()}"
        owner = asked.past.person if _PERSONAL.match(match["noun"]) else ""
        return replace(asked, text=opened).appended(of(owner or asked.topic, "fr"), "possessive")
    return None


def _article(match: re.Match[str]) -> str:
    elided = match["noun"][0] in "aeiouy" or match["noun"][:2] in ("he", "hi", "ho", "hu")
    return "l'" if elided and not match["owner"].endswith("s") else _ARTICLES[match["owner"]]


def _object(asked: Asked) -> Rewritten | None:
    """As in "Qui la sponsorise ?", "Comment y accéder ?", "Qui en est responsable ?"."""
    for pattern in _OBJECT:
        for match in pattern.finditer(asked.plain):
            start, end = match.span("it")
            if asked.text[end : end + 1].isupper() or _inside(asked, match.start()):
                continue  # "Quand l'Inter"
            it = match["it"].strip()
            if it in ("l'", "le", "la", "les"):
                if _STATED.match(asked.plain[end:]) or _is_noun(asked.plain, start, end):
                    continue
                return _behind_verb(asked, start, end)
            part = {
                "lui": f"à {_who(asked, it)}",
                "leur": f"à {asked.topic}",
                "y": f"à {asked.topic}",
                "en": of(asked.topic, "fr"),
            }
            return replace(asked, text=asked.text[:start] + asked.text[end:]).appended(
                part.get(it, asked.topic), "pronoun"
            )
    return None


def _is_noun(text: str, start: int, end: int) -> bool:
    """Whether a noun follows the article, as in "pour le dossier"."""
    word = re.match(r"[a-z-]+(?:er|ir|re)\b", text[end:])
    prepositional = re.search(r"\b(?:pour|de|a|sans) $", text[:start])
    return word is not None and prepositional is not None and not _INFINITIVE.match(word[0])


def _behind_verb(asked: Asked, start: int, end: int) -> Rewritten | None:
    """The topic behind the verb whose object it is: "Comment installer Redis sur Debian ?"."""
    verb = _VERB.match(asked.plain[end:])
    after = end + verb.end() if verb else end
    what = asked.topic
    if not asked.past.topic.named and not _DETERMINED.match(plain(what)):
        if asked.plain[start:end] != "les ":
            return None
        what = f"les {what}"
    return asked.replaced((start, after), f"{asked.text[end:after]} {what}", "pronoun")


def to_do(asked: Asked) -> Rewritten | None:
    """As in "Et pour le restaurer ?": comment restaurer Redis."""
    match = _TO_DO.match(asked.plain)
    if match is None or not _INFINITIVE.match(match["verb"]):
        return None
    verb, more = (asked.text[slice(*match.span(part))] for part in ("verb", "more"))
    return Rewritten(tidy(f"comment {verb} {asked.topic}{more} ?", "fr"), "pronoun")


def _it_is(asked: Asked) -> Rewritten | None:
    """As in "C'est gratuit ?", "C'est quoi ?", "Est-ce libre ?" when nothing else in the question is meant."""
    if _WHAT_IS_IT.match(asked.plain):
        return Rewritten(f"Qu'est-ce que {asked.topic} ?", "pronoun")
    match = _IT_IS.match(asked.plain)
    if match is None or asked.own_names or len(asked.content) > 2 or _DEFINED.match(match["rest"]):
        return None
    said = asked.text[slice(*match.span("it"))].lower()
    verb = {"est-ce": " est-il", "etait-ce": " était-il"}.get(match["it"], f", {said}")
    return asked.replaced(match.span("it"), asked.topic + verb, "pronoun")


def _then(asked: Asked) -> Rewritten | None:
    return asked.about("time or place") if _THEN.search(asked.plain) and not asked.own_names else None
