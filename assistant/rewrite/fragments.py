"""Follow-ups that are no whole sentence: "And its port?", "Et pour Redis ?", "Depuis quand ?", "non, le port"."""

from __future__ import annotations

import re

from assistant.generators.extractive.concepts import asked as concepts_asked
from assistant.rewrite import english, french
from assistant.rewrite.names import names
from assistant.rewrite.question import Asked, Rewritten, append, of, tidy
from assistant.rewrite.topic import find
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
    rf"^(?:(?:no|non|nope|not that|pas ca|excuse me|sorry|pardon|desole|oops)\s*[,.:;!]+\s*(?:{_SAID}|plutot|c'est)?|{_SAID}|"
    rf"(?:not|pas) (?P<wrong>[\w' -]{{2,40}}?),\s*(?:but|mais|{_SAID}|plutot)?)\s*(?P<rest>\S.*)$"
)
_WH: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"^(?P<wh>why(?: not| is that)?|who|when|where|how|how (?:much|many|long|often|so|come)|since when|which|by whom|"
        r"for whom|for how long|what for)\s*[?!.]*$"
    ),
    "fr": re.compile(
        r"^(?P<wh>pourquoi(?: pas| ca)?|qui|par qui|pour qui|avec qui|avec quoi|quand|ou|ou ca|comment|comment ca|combien|"
        r"combien de temps|depuis quand|depuis combien de temps|jusqu'a quand|lequel|laquelle|lesquels|quel|quelle|"
        r"pour quoi faire|en quelle annee|a quel prix|dans quel but|dans quelle ville)\s*[?!.]*$"
    ),
}
_QUESTION_WORDS = frozenset(
    "what which who whom when where why how whose qui que qu quoi quel quelle quels quelles comment pourquoi combien quand ou "
    "depuis dans lequel".split()
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
_PREPOSITION: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"^(?:in|on|at|from|with|without|for|during|under|before|after|by|to)\b"),
    "fr": re.compile(r"^(?:pour|avec|sans|chez|sur|dans|en|a|au|aux|sous|par|depuis|avant|apres|pendant|contre)\b"),
}
_ABOUT = re.compile(r"^(?:for|with|to|on|pour|avec|chez|sur|concernant)\s+(?:the |le |la |les |l')?")
_SIDE = re.compile(r"^(?:cote|niveau|question)\s+(?=\w)")
_ARTICLE: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"^(?:the|a|an|any|some|its|their|his|her)\b"),
    "fr": re.compile(r"^(?:l'|(?:le|la|les|un|une|des|du|son|sa|ses|leurs?|d'autres)\b)"),
}
_MARKS = " \t?!.,;:…"
_THEN = re.compile(r",? (?:alors|donc|du coup|then|though|instead|plut[oô]t|rather)$", re.IGNORECASE)
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
        return None if inner.own_names else inner.about("correction")
    return Rewritten(_entity_or_field(inner).text, "correction")


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


def bare_wh(asked: Asked) -> Rewritten | None:
    """As in "Why?", "Depuis quand ?": asked of what the last question said."""
    match = _WH[asked.language].match(asked.plain)
    if match is None:
        return None
    last, words = asked.past.question, split(asked.past.question)
    first = next((w for w in words if w.key not in _QUESTION_WORDS), None)
    wh = asked.text[slice(*match.span("wh"))]
    return Rewritten(tidy(f"{wh} {last[first.start if first else 0 :].rstrip(' ?!.')} ?", asked.language), "ellipsis")


def fragment(asked: Asked) -> Rewritten | None:
    """As in "in water", "any awards", "le port ?": no sentence, and not about a name of its own."""
    few = len(asked.content)
    if not 0 < few <= FRAGMENT or is_sentence(asked.text, asked.language):
        return None
    if asked.own_names or _capital(asked):
        swaps = (
            "?" in asked.text
            and asked.past.topic.named
            and all(w.text[:1].isupper() or is_form(w, asked.language) for w in asked.words)
        )
        return _swapped(asked, clean(asked.text)) if swaps else None
    text = clean(asked.text)
    if _PREPOSITION[asked.language].match(plain(text)):
        return Rewritten(tidy(append(asked.past.question, text), asked.language), "ellipsis")
    if _ARTICLE[asked.language].match(plain(text)) or concepts_asked(text):
        return _field(asked, text)
    # Without a mark they are words one searches for.
    return asked.about("ellipsis") if "?" in asked.text and asked.past.topic.named else None


def _capital(asked: Asked) -> bool:
    """As in "Gitea ?": a French field would have an article."""
    single = len(asked.words) == 1 and asked.language == "fr" and asked.past.topic.named
    return single and asked.text[:1].isupper() and not concepts_asked(asked.text)


def _entity_or_field(asked: Asked) -> Rewritten:
    """A new name takes the topic's place in the last question; a new field is asked of the topic."""
    text, language = clean(asked.text), asked.language
    if side := _SIDE.match(plain(text)):
        return _field(asked, text[side.end() :])
    if match := _ABOUT.match(plain(text)):
        bare = text[match.end() :]
        if names(f"x {bare}", language) or language == "fr":
            return _swapped(asked, bare)
    if _PREPOSITION[language].match(plain(text)):
        return Rewritten(tidy(append(asked.past.question, text), language), "ellipsis")
    return _field(asked, text) if _is_field(asked, text) else _swapped(asked, text)


def _is_field(asked: Asked, text: str) -> bool:
    article = _ARTICLE[asked.language].match(plain(text)) is not None
    if names(f"x {text}", asked.language):
        return article and not asked.own_names
    return article or bool(concepts_asked(text)) or asked.language == "en" or not asked.past.topic.named


def _field(asked: Asked, text: str) -> Rewritten:
    """As in "its licence", "le port" of the topic."""
    if _OWNED.match(plain(text)):
        resolve = french.resolve if asked.language == "fr" else english.resolve
        if made := resolve(asked.only(f"{text} ?")):
            return Rewritten(made.text, "ellipsis")
    return Rewritten(tidy(f"{text} {of(asked.topic, asked.language)} ?", asked.language), "ellipsis")


def _swapped(asked: Asked, entity: str) -> Rewritten:
    """The last question with another name in it."""
    last = asked.of_last()
    place = find(last.text, asked.topic) if asked.past.topic.named else None
    return last.about("ellipsis", entity) if place is None else last.replaced(place, entity, "ellipsis")


def clean(text: str) -> str:
    """Without marks and "then" at its ends."""
    return _THEN.sub("", text.strip(_MARKS)).strip(_MARKS)
