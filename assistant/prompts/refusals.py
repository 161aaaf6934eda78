"""Whether a model's answer only says that it does not know. Cautious: what might be an answer is taken for one.

Every sentence must say so, or be a mere courtesy. Sentences are compared as plain words: `Je n'ai rien trouvé !` is
`je n ai rien trouve`.
"""

from __future__ import annotations

import re

from retrieval.text import fold, sentences, words
from retrieval.types import Language

REFUSALS: dict[Language, str] = {
    "fr": "Je ne trouve pas la réponse dans les documents.",
    "en": "I can't find the answer in the documents.",
}
"""What a model is told to say, and taught to say, when the passages do not give the answer."""
NOT_LEARNT: dict[Language, str] = {"fr": "Je ne connais pas la réponse.", "en": "I don't know the answer."}
"""The same where it answers from what it has learnt."""
LONGEST = 400
"""Characters; whoever writes more than this says something."""

_DOCUMENTS = {
    "en": r"(?:(?:the|these|those|your|any|none|of|given|provided|available|supplied) )*"
    r"(?:documents?|documentation|context|passages?|sources?|texts?|excerpts?|information)"
    r"(?: (?:provided|given|supplied|available|above))?",
    "fr": r"(?:(?:les|ces|vos|mes|le|la|ce|cette|l) )*"
    r"(?:documents?|documentation|contexte|passages?|sources?|textes?|extraits?)"
    r"(?: (?:fournie?s?|donnee?s?|disponibles?|transmis|ci dessus))?",
}
_NOT_EN = (
    r"(?:do not|don t|cannot|can not|can t|could not|couldn t|did not|didn t|am unable to|was unable to|am not able to)"
)
# A sentence that goes on with one of these says more than no.
_MORE = {
    "en": r"but|except|only|however|although|though|besides|apart|other|unless|until",
    "fr": r"mais|sauf|hormis|excepte|cependant|toutefois|seulement|uniquement|autre|autres|tant|avant",
}
_LEAD = {
    "en": rf"sorry|unfortunately|i m sorry|i am sorry|(?:based on|according to) {_DOCUMENTS['en']}",
    "fr": rf"desolee?|malheureusement|je suis desolee?|(?:d apres|selon) {_DOCUMENTS['fr']}",
}
_COURTESY = {
    "en": r"please|let me know|try|i apologi[sz]e|sorry|i m sorry|i am sorry|unfortunately",
    "fr": r"veuillez|n hesitez pas|je vous (?:invite|conseille|suggere)|desolee?|je suis desolee?|malheureusement",
}
_NO: dict[str, tuple[str, ...]] = {
    "en": (
        rf"i {_NOT_EN} (?:know|find|answer|tell|see|locate|say|determine)\b.*",
        r"i (?:do not|don t) have (?:(?:any|enough|the|that|this|sufficient) )*(?:information|answer|data|details|idea)\b.*",
        r"i (?:find|found|see|know|have found) (?:no|nothing)\b.*",
        rf"{_DOCUMENTS['en']} (?:do|does|did|don|doesn|didn) (?:not|t) (?:say|mention|contain|provide|state|specify|answer|indicate"
        r"|give|include|hold|tell|describe|cover|explain|address)\b.*",
        r"(?:it|this|that|(?:the|this|that) (?:answer|information|question|detail)) (?:is not|isn t|cannot be|can t be) "
        r"(?:given|found|mentioned|stated|specified|provided|available|answered|included|contained|present|indicated"
        rf"|known|in {_DOCUMENTS['en']})(?: .*)?",
        r"there (?:is|s) (?:no|not enough|insufficient) (?:information|mention|answer|data|details?)\b.*",
        rf"there (?:is|s) nothing .*\b(?:in|from) {_DOCUMENTS['en']}",
        r"(?:no|not enough|insufficient) (?:information|answer|mention|data)\b.*",
        rf"unknown|not (?:found|mentioned|specified|stated|available|known)(?: in {_DOCUMENTS['en']})?|not in {_DOCUMENTS['en']}",
    ),
    "fr": (
        r"je ne (?:(?:le|la|les|l|vous) )?(?:sais|connais|trouve|vois|dispose)\b.*\b(?:pas|rien|aucune?)\b.*",
        r"je n ai (?:pas |rien |aucune? )(?:(?:la|de|d|pu|assez|cette|l) )*(?:trouver?|informations?|reponse|donnees?|elements?)\b.*",
        r"je n ai rien trouve\b.*",
        r"je ne (?:peux|parviens|suis|saurais) pas (?:(?:a|y|vous|le|en|mesure|capable|de) )*(?:repondre|trouver|dire|determiner)\b.*",
        rf"{_DOCUMENTS['fr']} (?:ne |n )(?:(?:le|la|les|l|me|nous|en|y) )*(?:dis|dit|mention|conti|preci|indiq|donn|parl"
        r"|fourni|permet|repond|specif|expliq|decri|evoq|comport|trait)\w* (?:pas|rien|aucune?)\b.*",
        r"aucun (?:des )?(?:documents?|passages?|extraits?|sources?)(?: fournis?)? (?:ne|n) .*",
        r"(?:la reponse|(?:cette|l) information|cela|ca|ce|c) n est pas (?:donne|precise|mentionne|indique|fourni|connu"
        r"|specifi|disponible|dans l)\w*\b.*",
        rf"(?:la reponse|(?:cette|l) information|cela|ca|ce|c) n est pas dans {_DOCUMENTS['fr']}",
        r"(?:la reponse|(?:cette|l) information) (?:ne se trouve|ne figure|n apparait|n y est|n y figure) pas\b.*",
        r"il n y a (?:pas |aucune? )(?:(?:d|de|assez) )*(?:informations?|reponse|mention|donnees?)\b.*",
        rf"il n y a rien .*\bdans {_DOCUMENTS['fr']}",
        r"(?:aucune?|pas d|pas de|pas assez d) (?:informations?|reponse|mention|donnees?)\b.*",
        rf"inconnue?|non (?:precise|mentionne|indique|specifie|trouve|connu)e?(?: dans {_DOCUMENTS['fr']})?",
    ),
}


def is_refusal(text: str, language: Language) -> bool:
    """Whether the answer only says that there is none, in `language` or in English, which small models fall back to.

    An answer with a citation never does.
    """
    if not text.strip() or len(text) > LONGEST or "chunk_" in text:
        return False
    said = [" ".join(words(fold(sentence))) for sentence in sentences(text)]
    spoken = {language, "en"}
    refusing = [any(_refuses(sentence, known) for known in spoken) for sentence in said]
    polite = [any(re.match(rf"(?:{_COURTESY[known]})\b", sentence) for known in spoken) for sentence in said]
    return any(refusing) and all(r or p for r, p in zip(refusing, polite, strict=True))


def _refuses(sentence: str, language: str) -> bool:
    rest = re.sub(rf"^(?:(?:{_LEAD[language]}) (?:(?:but|mais) )?)+", "", sentence)
    if re.search(rf"\b(?:{_MORE[language]})\b", rest):
        return False
    return any(re.fullmatch(pattern, rest) for pattern in _NO[language])
