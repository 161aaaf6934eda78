"""The rules that make a follow-up a question of its own; the first that fits counts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.generators.base import Turn
from assistant.generators.concepts import asked as concepts_asked
from assistant.rewrite import english, french
from assistant.rewrite.question import Asked, Rewritten, append, of, tidy
from assistant.rewrite.topic import find, holds, pair, recall
from assistant.rewrite.words import content, is_form, names, plain, runs, split
from retrieval.text import detect_language
from retrieval.types import Language

LONGEST_QUESTION = 300
"""Characters; a longer one says what it is about."""
LONGEST = 400
"""Characters of what is searched."""
FRAGMENT = 4
"""Content words of a phrase that is no sentence."""
BARE = 2
"""Content words of a whole question that leans by its articles alone."""

_OPENER = re.compile(
    r"^(?:(?:ok|okay|great|thanks|thank you|cool|nice|well|oh|ah|yes|oui|merci|d'accord|tres bien|bien|super|parfait|entendu|bon|right|sure|one last thing|"
    r"(?P<link>and|so|then|also|but|et|alors|donc|mais|sinon|du coup|or|ou bien|puis))(?:[\s,!.:;…]+|$))+"
)
_SHIFT = re.compile(
    r"\b(?:chang\w+ (?:the |a little(?: bit)? (?:of )?|of )*subject|autre (?:sujet|question|chose)\s*[:,]|rien a voir|changeons de sujet|(?:speaking|talking) (?:about|of)|"
    r"unrelated|en parlant de|a propos de|going back to)\b"
)
_LEAD = re.compile(
    r"^(?:(?:what|how) about|what of|same (?:question |thing )?(?:for|with|about)|qu'en est[- ]il (?:de|du|des|d'|pour)|quid (?:de|du|des|d')|(?:la )?meme (?:question|chose) (?:pour|avec|sur)|"
    r"idem (?:pour|avec)|pareil (?:pour|avec)|celui d[e']|celle d[e']|ceux d[e']|celles d[e']|du cote d[e'u]s?)\s*(?P<rest>.+)$"
)
_CORRECTION = re.compile(
    r"^(?:(?:no|non|nope|not that|pas ca|excuse me|sorry|pardon|desole|oops)\s*[,.:;!]+\s*(?:i mean[t]?|i was (?:asking|talking) (?:about|for)|je voulais dire|je parlais d[eu]s?|plutot|c'est)?"
    r"|i mean[t]?|je voulais dire|je parlais d[eu]s?|je pensais a|(?:not|pas) (?P<wrong>[\w' -]{2,40}?),\s*(?:but|mais|i was (?:asking|talking) (?:about|for)|i mean[t]?|je parlais d[eu]s?|plutot)?)\s*(?P<rest>\S.*)$"
)
_WH: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"^(?P<wh>why(?: not| is that)?|who|when|where|how|how (?:much|many|long|often|so|come)|since when|which|by whom|for whom|for how long|what for)\s*[?!.]*$"),
    "fr": re.compile(
        r"^(?P<wh>pourquoi(?: pas| ca)?|qui|par qui|pour qui|quand|ou|ou ca|comment|comment ca|combien|combien de temps|depuis quand|depuis combien de temps|jusqu'a quand|lequel|laquelle|lesquels|quel|quelle|"
        r"avec quoi|avec qui|pour quoi faire|en quelle annee|a quel prix|dans quel but|dans quelle ville)\s*[?!.]*$"
    ),
}  # fmt: skip
_COMPARISON = re.compile(
    r"^(?:which|which one|which of (?:them|the two|these)|what|lequel|laquelle|lesquels|lesquelles|quel|quelle)(?: (?:is|are|was|one is|offers|protects|est|sont|a ete|coute))? (?:the |le |la )?"
    r"(?:more|most|less|least|better|best|worse|worst|(?:cheap|fast|larg|bigg|old|new|easi|saf|small|long|high|low|strong|simpl|slow)(?:er|est)|plus|moins|meilleure?|mieux|pire)\b"
)
_DIFFERENCE = re.compile(
    r"\b(?:differences?|same|meme|different\w*|ressembl\w*|mieux)\b(?! (?:between|entre|with|from|than|avec|que))"
)
_OTHERS = re.compile(
    r"\b(?:(?:any|some|what|which|are there|the) others?\b|what else|who else|anything else|another\b|d'autres?|autre chose|qui d'autre|quoi d'autre)"
)
_SENTENCE: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\b(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must|what|which|who|whom|whose|when|where|why|how|i|we|they|he|she|it|list|tell|give|show|explain|"
        r"describe|define|compare|name|find|[a-z]+n't|i'm|it's)\b"
    ),
    "fr": re.compile(
        r"\b(?:est|sont|etait|etaient|fut|sera|a|ont|avait|aura|peut|peuvent|doit|doivent|faut|fait|font|sert|servent|qui|que|qu|quoi|quel|quels|quelle|quelles|comment|pourquoi|quand|combien|lequel|"
        r"laquelle|il|elle|ils|elles|on|je|nous|vous|c'est|liste|listez|donne|donnez|cite|citez|explique|expliquez|decris|montre|compare|existe|utilise|marche|fonctionne|coute|permet|date|vient|"
        r"appartient|depend|concerne|s'adresse|[a-z]+-t-(?:il|elle|on))\b"
    ),
}  # fmt: skip
_DEFINITE: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\bthe (?:\w+ )?\w+\s*(?:$|[?.!,])|\bthe (?:\w+ )?\w+ (?!of\b|for\b|in\b|that\b|which\b|who\b|to\b|between\b|on\b|at\b|from\b|with\b|by\b)"
    ),
    "fr": re.compile(
        r"(?:\b(?:le|la|les) |\bl')\w+(?!['\w])(?! (?:de|du|des|d'|qui|que|dont|pour|en|a|au|aux|entre|dans|sur)\b)"
    ),
}
_PREPOSITION: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"^(?:in|on|at|from|with|without|for|during|under|before|after|by|to)\b"),
    "fr": re.compile(r"^(?:pour|avec|sans|chez|sur|dans|en|a|au|aux|sous|par|depuis|avant|apres|pendant|contre)\b"),
}
_THE = re.compile(
    r"\b(?:the|this|that|le |la |les |ce|cette) ?(?P<noun>[a-z-]{3,})(?=\s*(?:$|[?.!,]|'s\b|(?:is|are|was|were|has|have|had|do|does|did|will|can|when|and|est|sont|a|ont|et)\b))"
)
_ABOUT = re.compile(r"^(?:for|with|to|pour|avec|chez|sur|on)\s+(?:the |le |la |les |l')?")
_ARTICLE: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"^(?:the|a|an|any|some|its|their|his|her)\b"),
    "fr": re.compile(r"^(?:l'|(?:le|la|les|un|une|des|du|son|sa|ses|leurs?|d'autres)\b)"),
}


def standalone(question: str, history: Sequence[Turn], language: Language | None = None) -> Rewritten | None:
    """The question as one of its own when it leans on earlier turns (oldest first); None when it stands alone.

    One line of at most LONGEST characters; what is made of it stands alone by the same rules.
    """
    question = " ".join(question.split())
    if not history or not question or len(question) > LONGEST_QUESTION:
        return None
    spoken = language or spoken_in(question, history)
    made = _once(question, history, spoken)
    for _ in range(2):
        if made is None or len(made.text) > LONGEST or not content(made.text, spoken):
            return None
        again = _once(made.text, history, spoken)
        if again is None or again.text == made.text:
            return made if again is None else None
        made = Rewritten(again.text, made.reason)
    return None


def spoken_in(question: str, history: Sequence[Turn]) -> Language:
    """The language of a question; a bare one is asked in that of the turn before."""
    for text in (question, *(turn.searched or turn.question for turn in reversed(history))):
        if (found := detect_language(text, default="fr")) == detect_language(text, default="en"):
            return found
    return "fr"


def _once(question: str, history: Sequence[Turn], language: Language) -> Rewritten | None:
    past = recall(history, language)
    low = plain(question)
    if past is None or not split(question) or _SHIFT.search(low):
        return None
    opener = _OPENER.match(low)
    linked = bool(opener and opener["link"])
    rest = question[opener.end() :] if opener else question
    if not split(rest):
        return None
    asked = Asked(rest, language, past, linked)
    if holds(rest, past.topic.text, language):
        return None
    resolve = french.resolve if language == "fr" else english.resolve
    return (
        _correction(asked)
        or _led(asked)
        or _bare_wh(asked)
        or resolve(asked)
        or _compared(asked)
        or _partly_named(asked)
        or _fragment(asked)
        or _described(asked)
    )


def _correction(asked: Asked) -> Rewritten | None:
    """ "No, the port", "I meant attachments": the last question, about that."""
    match = _CORRECTION.match(asked.plain)
    if match is None or len(split(rest := asked.text[match.start("rest") :])) > 12:
        return None
    if match["wrong"] and (place := find(asked.past.question, match["wrong"])):
        return Asked(asked.past.question, asked.language, asked.past).replaced(place, _clean(rest), "correction")
    inner = Asked(rest, asked.language, asked.past, True)
    if _SENTENCE[asked.language].search(inner.plain):
        return _described(inner) or (None if inner.own_names else inner.about("correction"))
    made = _entity_or_field(inner)
    return Rewritten(made.text, "correction")


def _led(asked: Asked) -> Rewritten | None:
    """ "What about NATS?", "Et pour Redis ?"."""
    match = _LEAD.match(asked.plain)
    if match is None:
        if not asked.linked or _SENTENCE[asked.language].search(asked.plain) or len(asked.content) > FRAGMENT:
            return None
        return _entity_or_field(asked)
    rest = asked.text[match.start("rest") :]
    if _SENTENCE[asked.language].search(plain(rest)) or len(content(rest, asked.language)) > FRAGMENT + 1:
        return None
    return _entity_or_field(Asked(rest, asked.language, asked.past, True))


def _entity_or_field(asked: Asked) -> Rewritten:
    """A new name takes the topic's place in the last question; a new field is asked of the topic."""
    text, language = _clean(asked.text), asked.language
    if match := _ABOUT.match(plain(text)):
        bare = text[match.end() :]
        if names("x " + bare, language) or language == "fr":
            return _swapped(asked, bare)
    if _PREPOSITION[language].match(plain(text)):
        return Rewritten(tidy(append(asked.past.question, text), language), "ellipsis")
    if _is_field(asked, text):
        return _field(asked, text)
    return _swapped(asked, text)


def _is_field(asked: Asked, text: str) -> bool:
    if names("x " + text, asked.language):
        return bool(_ARTICLE[asked.language].match(plain(text))) and not asked.own_names
    if _ARTICLE[asked.language].match(plain(text)) or concepts_asked(text):
        return True
    return asked.language == "en" or not asked.past.topic.named


def _field(asked: Asked, text: str) -> Rewritten:
    """ "its licence", "le port" of the topic."""
    language = asked.language
    if (match := _ARTICLE[language].match(plain(text))) and match[0] in (
        "its",
        "their",
        "his",
        "her",
        "son",
        "sa",
        "ses",
        "leur",
        "leurs",
    ):
        inner = Asked(text + " ?", language, asked.past)
        made = (french if language == "fr" else english).resolve(inner)
        if made is not None:
            return Rewritten(made.text, "ellipsis")
    return Rewritten(tidy(f"{text} {of(asked.topic, language)} ?", language), "ellipsis")


def _swapped(asked: Asked, entity: str) -> Rewritten:
    """The last question with another name in it."""
    last, language = asked.past.question, asked.language
    place = find(last, asked.topic) if asked.past.topic.named else None
    if place is None:
        return Rewritten(tidy(append(last, f"{'pour' if language == 'fr' else 'for'} {entity}"), language), "ellipsis")
    before = last[: place[0]]
    return Rewritten(tidy(f"{before}{entity}{last[place[1] :]}", language), "ellipsis")


def _bare_wh(asked: Asked) -> Rewritten | None:
    """ "Why?", "Depuis quand ?": asked of what the last question said."""
    match = _WH[asked.language].match(asked.plain)
    if match is None:
        return None
    wh = asked.text[slice(*match.span("wh"))]
    words = split(asked.past.question)
    skip = 0
    while skip < len(words) and (
        words[skip].key in _QUESTION_WORDS or (skip and words[skip].key in ("que", "qu", "ce"))
    ):
        skip += 1
    rest = asked.past.question[words[skip].start :] if skip < len(words) else asked.past.question
    return Rewritten(tidy(f"{wh} {rest.rstrip(' ?!.')} ?", asked.language), "ellipsis")


_QUESTION_WORDS = frozenset(
    "what which who whom when where why how whose qui que qu quoi quel quelle quels quelles comment pourquoi combien quand ou depuis dans lequel".split()
)


def _compared(asked: Asked) -> Rewritten | None:
    """ "Which is more important?" of what the last question set side by side."""
    if asked.own_names or len(asked.content) > 4:
        return None
    both = pair(asked.past.question, asked.language)
    if _COMPARISON.match(asked.plain) and (both or len(asked.content) <= 2):
        if both:
            return asked.appended(both if asked.language == "en" else f"entre {both}", "comparison")
        return asked.about("comparison")
    if _DIFFERENCE.search(asked.plain) and both:
        return asked.appended(f"{'entre' if asked.language == 'fr' else 'between'} {both}", "comparison")
    if _OTHERS.search(asked.plain) and len(asked.content) <= 1:
        return asked.about("comparison")
    return None


def _partly_named(asked: Asked) -> Rewritten | None:
    """ "the Wall", after a question about the Great Wall of China."""
    for match in _THE.finditer(asked.plain):
        for turn in (asked.past.question, asked.topic):
            if (whole := _compound(turn, match["noun"], asked.language)) and not find(asked.text, whole):
                return asked.replaced(match.span(), whole, "description")
    return None


def _compound(text: str, noun: str, language: Language) -> str:
    """The phrase of a text in which a noun is the head of several words: "quit india movement" for "movement"."""
    for run in runs(text, language):
        heads = [i for i, w in enumerate(run) if _root(w.key) == _root(noun)]
        for i in heads:
            alone = i == 0 or is_form(run[i - 1], language)
            closed = i + 1 == len(run) or is_form(run[i + 1], language)
            if closed and not alone:
                start = i
                while start and not is_form(run[start - 1], language):
                    start -= 1
                return text[run[start].start : run[-1].end]
    return ""


def _root(key: str) -> str:
    return key.rstrip("sx") if len(key) > 3 else key


def _fragment(asked: Asked) -> Rewritten | None:
    """ "in water", "any awards", "le port ?": no sentence, and not about a name of its own."""
    if _SENTENCE[asked.language].search(asked.plain) or not 0 < len(asked.content) <= FRAGMENT:
        return None
    single = len(asked.words) == 1 and asked.language == "fr"
    if asked.own_names or (
        single and asked.text[:1].isupper() and asked.past.topic.named and not concepts_asked(asked.text)
    ):
        if "?" not in asked.text:
            return None  # a new subject
        return (
            _swapped(asked, _clean(asked.text))
            if asked.past.topic.named and len(asked.words) <= 3 and _whole_name(asked)
            else None
        )
    text = _clean(asked.text)
    if _PREPOSITION[asked.language].match(plain(text)):
        return Rewritten(tidy(append(asked.past.question, text), asked.language), "ellipsis")
    if _ARTICLE[asked.language].match(plain(text)) or concepts_asked(text):
        return _field(asked, text)
    return asked.about("ellipsis")


def _whole_name(asked: Asked) -> bool:
    return all(w.text[:1].isupper() or is_form(w, asked.language) for w in asked.words)


def _described(asked: Asked) -> Rewritten | None:
    """ "the application", "What are the benefits?": a definite noun that nothing in the question defines."""
    if asked.own_names:
        return None
    generic = french.GENERIC if asked.language == "fr" else english.GENERIC
    for match in re.finditer(
        r"\b(?:the |le |la |les |l')([a-z-]+)\b(?!(?:'| of\b| that\b| which\b| who\b| for\b| de\b| du\b| des\b| d'| qui\b| que\b| dont\b))",
        asked.plain,
    ):
        if match[1] in generic and asked.past.topic.named:
            return asked.replaced(match.span(), asked.topic, "description")
    if len(asked.content) <= (BARE + 3 if asked.linked else BARE) and (
        asked.linked or _DEFINITE[asked.language].search(asked.plain)
    ):
        return asked.about("description")
    return None


def _clean(text: str) -> str:
    return text.strip(" \t?!.,;:…")
