"""Follow-ups that are no whole sentence: "And its port?", "Et pour Redis ?", "Depuis quand ?", "non, le port"."""

from __future__ import annotations

import re

from assistant.rewrite import english, french
from assistant.rewrite.fields import is_field, is_general
from assistant.rewrite.names import names
from assistant.rewrite.places import PREPOSITION, added, elsewhere
from assistant.rewrite.question import Asked, Rewritten, of, tidy
from assistant.rewrite.topic import find, pair
from assistant.rewrite.words import content, has_verb, is_form, plain, split
from retrieval.types import Language

FRAGMENT = 4
"""Content words of a phrase that is no sentence."""
CORRECTION = 12
"""Words of one."""

_LEAD = re.compile(
    r"^(?:(?:what|how) about|what of|same (?:question |thing )?(?:for|with|about)|"
    r"qu'en est[- ]il (?:de|du|des|d'|pour)|quid (?:de|du|des|d')|(?:la )?meme (?:question |chose )?(?:pour|avec|sur|chez)|"
    r"(?:idem|pareil) (?:pour|avec)|(?:celui|celle|ceux|celles) d[e']|du cote (?:de|du|des|d')|"
    r"si on parl\w+ (?:de|du|des|d')|(?:pour ce qui est|au niveau|en ce qui concerne|s'agissant|concernant|as for|regarding)"
    r"(?: de| du| des| d')?)\s*(?P<rest>.+)$"
)
_ALIKE = re.compile(
    r"^(?P<rest>.{1,80}?),? (?:c'est )?(?:pareil|idem|la meme chose|ca donne quoi|same|the same|too)\s*[?.!]*$"
)
_SAME = re.compile(r"^(?:same|(?:la )?meme|idem|pareil)\b")
_SAID = (
    r"(?:i mean[t]?|i was (?:asking|talking) (?:about|for)|je voulais dire|je parlais (?:de|du|des|d')|je pensais a)"
)
_CORRECTION = re.compile(
    rf"^(?:(?:no|non|nope|not that|pas ca|excuse me|sorry|pardon|desole|oops)\s*[,.:;!]+\s*(?:{_SAID}|plutot|c'est)?|"
    rf"(?:(?:no|non) )?{_SAID}|"
    rf"(?:not|pas) (?P<wrong>[\w' -]{{2,40}}?),\s*(?:but|mais|{_SAID}|plutot)?)\s*(?P<rest>\S.*)$"
)
_SENTENCE: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\b(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must|what|which|who|whom|whose|"
        r"when|where|why|how|i|we|they|he|she|it|list|tell|give|show|explain|describe|define|compare|name|find|[a-z]+n't|i'm|"
        r"it's)\b"
    ),
    "fr": re.compile(
        r"\b(?:est|sont|etait|etaient|fut|sera|a|ont|avait|aura|peut|peuvent|doit|doivent|faut|fait|font|sert|servent|qui|"
        r"que|qu|quoi|ou|quel|quels|quelle|quelles|comment|pourquoi|quand|combien|lequel|laquelle|il|elle|ils|elles|on|je|"
        r"nous|vous|liste|listez|donne|donnez|cite|citez|explique|expliquez|decris|montre|compare|depend|"
        r"[a-z]+-t-(?:il|elle|on))\b"
    ),
}
_FOR = re.compile(r"^(?:for|pour|chez|concernant)\s+")
_WITH = re.compile(r"^(?:with|avec|sans|without|on|sur|to)\s")
_THE = re.compile(r"^(?:the |le |la |l')")
_COMPLEMENT = re.compile(
    r"^[^A-Z]*? ?\b(?:of|in|for|from|at|de|du|des|d'|au|aux|a|en|dans|pour)(?:\b| )(?P<what>(?: ?(?:the|la|le|les|l')\b)?.*)$"
)
# English nouns that stand without an article.
_MASS = re.compile(r"(?:[^aeious]s|[^sr]es|tion|ment|ing|ness|ance|ence|ity|ship|age|ware|data)$")
_ONE = re.compile(
    r"^(?:the ones?|celui|celle|ceux|celles) (?=(?:in|on|at|for|from|with|a|au|aux|en|dans|pour|chez|sur)\b)"
)
_SIDE = re.compile(r"^(?:cote|niveau|question)\s+(?=\w)")
_ARTICLE: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"^(?:the|a|an|any|some|its|their|his|her)\b"),
    "fr": re.compile(r"^(?:l'|(?:le|la|les|un|une|des|du|son|sa|ses|leurs?|d'autres)\b)"),
}
_MARKS = " \t?!.,;:…"
_THEN = re.compile(
    r",? (?:alors|donc|du coup|then|though|instead|plut[oô]t|rather|please|pls|stp|svp|s['’]il (?:te|vous) pla[iî]t|merci|thanks)$",
    re.IGNORECASE,
)
_AND_NAME = re.compile(r" (?:et|and|ou|or|vs\.?) [A-ZÀ-Þ]")
_NAME_AND = re.compile(r"\b[A-ZÀ-Þ][\w.+#-]* (?:et|and|ou|or|vs\.?) $")
_OWNED = re.compile(r"^(?:its|their|his|her|son|sa|ses|leurs?)\b")


def is_sentence(text: str, language: Language) -> bool:
    """Whether a text has a verb or asks by a word of its own."""
    return _SENTENCE[language].search(plain(text)) is not None or has_verb(text, language)


def correction(asked: Asked) -> Rewritten | None:
    """As in "No, the port", "I meant attachments": the last question, about that."""
    match = _CORRECTION.match(asked.plain)
    if match is None or len(split(rest := asked.text[match.start("rest") :])) > CORRECTION:
        return None
    if match["wrong"] and (place := find(asked.past.question, match["wrong"])):
        return asked.of_last().replaced(place, clean(rest), "correction")
    inner = asked.only(rest)
    if is_sentence(rest, asked.language):
        resolve = french.resolve if asked.language == "fr" else english.resolve
        made = None if inner.own_names else resolve(inner)
    else:
        made = _entity_or_field(inner)
    return Rewritten(made.text, "correction") if made else None


def led(asked: Asked) -> Rewritten | None:
    """As in "What about NATS?", "Et pour Redis ?"."""
    alike = _ALIKE.match(asked.plain)
    match = alike or _LEAD.match(asked.plain)
    if match is None and not asked.linked:
        return None
    rest = asked.text[slice(*match.span("rest"))] if match else asked.text
    if is_sentence(rest, asked.language) or len(content(rest, asked.language)) > FRAGMENT + bool(match) * FRAGMENT:
        return None
    if alike or (match and _SAME.match(asked.plain)):
        return _swapped(asked, clean(rest))
    return _entity_or_field(asked.only(rest))


def fragment(asked: Asked) -> Rewritten | None:
    """As in "in water", "any awards", "le port ?": no sentence, and not about a name of its own."""
    few = len(asked.content)
    if not 0 < few <= FRAGMENT or is_sentence(asked.text, asked.language) or is_general(asked.text):
        return None
    text = clean(asked.text)
    if PREPOSITION[asked.language].match(plain(text)):
        return _prepositional(asked, text)
    if asked.own_names or _capital(asked):
        swaps = (
            "?" in asked.text
            and asked.past.topic.named
            and all(w.text[:1].isupper() or is_form(w, asked.language) for w in asked.words)
        )
        return _swapped(asked, text) if swaps else None
    # Without a mark they are words one searches for.
    return _field(asked, text) if _ARTICLE[asked.language].match(plain(text)) or _is_asked(asked, text) else None


def _is_asked(asked: Asked, text: str) -> bool:
    return "?" in asked.text and asked.past.topic.named and is_field(text, asked.language)


def _capital(asked: Asked) -> bool:
    """As in "Gitea ?": a French field would have an article."""
    single = len(asked.words) == 1 and asked.language == "fr" and asked.past.topic.named
    return single and asked.text[:1].isupper() and not is_field(asked.text, asked.language)


def _entity_or_field(asked: Asked) -> Rewritten | None:
    """A new name takes the topic's place in the last question; a new field is asked of the topic."""
    text = clean(asked.text)
    if one := _ONE.match(plain(text)):
        text = text[one.end() :]
    if is_general(text) or not text or re.search(r"\w['’]s \w", text):
        return None  # "Gitea's licence" says whose
    if side := _SIDE.match(plain(text)):
        return _field(asked, text[side.end() :])
    if PREPOSITION[asked.language].match(plain(text)) or _FOR.match(plain(text)):
        return _prepositional(asked, text)
    return _field(asked, text) if _is_field(asked, text) else _swapped(asked, text)


def _prepositional(asked: Asked, text: str) -> Rewritten | None:
    """As in "et en Rust ?", "for NATS?", "pour les stagiaires ?"."""
    if made := elsewhere(asked, text):
        return made
    named = bool(names(f"x {text}", asked.language))
    found = _FOR.match(plain(text))
    if found is None:
        return None if named and _WITH.match(plain(text)) else added(asked, text)
    bare = text[found.end() :]
    if is_field(bare, asked.language):
        return _field(asked, bare)
    if named:
        return _swapped(asked, _without_article(bare))
    if _THE.match(plain(bare)):
        return None  # "pour la restauration": of the topic, or instead of it?
    if _ARTICLE[asked.language].match(plain(bare)) or _is_mass(asked, bare):
        return added(asked, text)
    return _swapped(asked, bare)


def _without_article(text: str) -> str:
    article = _THE.match(plain(text))
    return text[article.end() :] if article and text[:1].islower() else text


def _is_field(asked: Asked, text: str) -> bool:
    article = _ARTICLE[asked.language].match(plain(text)) is not None
    if names(f"x {text}", asked.language):
        return article and not asked.own_names
    return article or is_field(text, asked.language) or _is_mass(asked, text) or not asked.past.topic.named


def _is_mass(asked: Asked, text: str) -> bool:
    return asked.language == "en" and _MASS.search(plain(text)) is not None


def _field(asked: Asked, text: str) -> Rewritten | None:
    """As in "its licence", "le port" of the topic; not of what the field itself says it is of."""
    if _OWNED.match(plain(text)):
        resolve = french.resolve if asked.language == "fr" else english.resolve
        if made := resolve(asked.only(f"{text} ?")):
            return Rewritten(made.text, "ellipsis")
    if _owned_elsewhere(asked, text) or not (is_field(text, asked.language) or _spoken_of(asked)):
        return None
    if re.match(r"(?:le|la|les) (?:plus|moins|meilleur)", plain(text)):
        return None  # of those an answer listed
    some = re.match(r"(?:any|some|an?) ", plain(text)) is not None
    owner = f"for {asked.topic}" if some and asked.language == "en" else of(asked.topic, asked.language)
    return Rewritten(tidy(f"{text} {owner} ?", asked.language), "ellipsis")


def _spoken_of(asked: Asked) -> bool:
    """Whether the topic was named by the one who asks, and is not just where an answer was found."""
    return asked.past.topic.named and any(find(text, asked.topic) for text in asked.past.earlier)


def _owned_elsewhere(asked: Asked, text: str) -> bool:
    """Whether a noun has a complement of its own: "the capital of Peru", "le prix de l'essence"."""
    match = _COMPLEMENT.match(plain(text))
    if match is None or not match.start("what"):
        return False
    what = text[match.start("what") :]
    return bool(names(f"x {what}", asked.language)) or re.match(r" ?(?:the|la|le|les|l')\b", plain(what)) is not None


def _swapped(asked: Asked, entity: str) -> Rewritten | None:
    """The last question with another name in the topic's place; None when it is not plain which place that is."""
    if _owned_elsewhere(asked, entity) and entity[:1].islower():
        return None
    last = asked.of_last()
    if (both := pair(last.text, last.language)) and not find(asked.topic, both):
        return None  # which of the two?
    entity = re.sub(r"['’]s?$", "", entity)
    place = find(last.text, asked.topic) if asked.past.topic.named else None
    if place is None and len(found := names(last.text, last.language)) == 1:
        place = found[0]
    if place is not None:
        if _AND_NAME.match(last.text[place[1] :]) or _NAME_AND.search(last.text[: place[0]]):
            return None
        return last.replaced(place, entity, "ellipsis")
    whom = re.search(r"\b(?:for|pour)\b", last.plain) or names(last.text, last.language)
    return None if whom or asked.past.topic.named else last.about("ellipsis", entity)


def clean(text: str) -> str:
    """Without marks and "then" at its ends."""
    return _THEN.sub("", text.strip(_MARKS)).strip(_MARKS)
