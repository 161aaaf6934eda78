"""Turns that ask nothing of the documents: courtesies, remarks about the chat, and wishes to hear more."""

from __future__ import annotations

import functools
import re

from assistant.rewrite.words import plain

LONGEST_TALK = 80
"""Characters of a courtesy; a longer text says something."""
_FOR = r"(?: (?:pour|for) (?:ta|ton|votre|vos|your|the|tout|all|l'|la|les|le)(?: ?\w+)?)?"
_GREETING = (
    r"bonjour|bonsoir|salut|coucou|hello|hi|hey|good (?:morning|evening|afternoon|day)|(?:comment )?ca va|"
    r"comment (?:vas-tu|allez-vous)|how are you(?: doing)?|how do you do|enchantee?|nice to meet you|"
    r"(?:tout le monde|everyone|there|a tous)"
)
_THANKS = (
    rf"(?:(?:un grand )?merci|mille mercis|thanks|thank you|thx|many thanks)"
    rf"(?: beaucoup| bien| infiniment| d'avance| a (?:toi|vous)| a lot| so much| very much| again)?{_FOR}"
)
_ACKNOWLEDGED = (
    "ok|okay|yes|yep|yeah|oui|ouais|no|non|nope|d'accord|cool|super|parfait|perfect|great|nice|genial|excellent|"
    "tres bien|bien recu|entendu|compris|j'ai compris|c'est (?:note|bon|parfait|clair)|got it|i see|understood|alright|"
    "all right|awesome|very good|good|ca marche|je vois|bravo|well done|good job|of course|bien sur|exactement|exactly|"
    "bye|goodbye|good night|see you|au revoir|a bientot|bonne (?:journee|soiree|nuit)|ah|oh"
)
_UNIT = rf"(?:{_GREETING}|{_THANKS}|{_ACKNOWLEDGED})"
_SMALL = re.compile(rf"{_UNIT}(?:[\s,;.!…]+{_UNIT})*")
_GREETED = re.compile(rf"(?:{_GREETING}|{_ACKNOWLEDGED})(?:[\s,;.!…]+(?:{_GREETING}))?")
_ASKED_BACK = re.compile(
    r"^(?:ca marche|c'est|ok|okay|yes|oui|non|no|cool|super|good|great|nice|compris|je vois|ah|oh)\b"
)
_POLITE = r"(?:,? ?(?:please|stp|svp|s'il (?:te|vous) plait|pls))?"
_ABOUT_THE_CHAT = re.compile(
    # spoken to the one who answers
    r"(?:tu es|t'es|vous etes|es-tu|etes-vous|you are|you're|are you)\b(?! (?:able|capable|aware|familiar|allowed)).*"
    r"|what can you (?:do|tell me|help)\b.*|what do you (?:do|know)|how do you work|how can you help\b.*|"
    r"who (?:are|made) you|(?:que|qu'est-ce que) (?:peux|sais)-?(?: )?tu.*"
    r"|(?:que|qu'est-ce que) tu (?:peux|sais) faire.*|qui (?:es-tu|t'a \w+)|tu (?:peux|sais) faire quoi|what's up|"
    r"(?:tell me|raconte(?:-moi)?) (?:a|une) (?:joke|blague).*"
    # about the answer
    r"|(?:traduis|traduire|traduisez|translate)\b.*|(?:et )?(?:in|en) (?:english|french|anglais|francais)"
    + _POLITE
    + r"|"
    r"(?:c'est|it's|that's|this is|that is) (?:faux|wrong|not true|pas vrai|incorrect|n'importe quoi|right|correct)|faux|wrong|"
    r""
    r"(?:ou|comment|pourquoi|quand|qui|quoi|combien) ca|pourquoi pas|why not|how (?:so|come)|why is that|which(?: ones?)?|who|"
    r"qui|combien|le(?:s)?quels?|laquelle|lesquelles|quel(?:le)?s?|how (?:much|many)|"
    r"c'est (?:tout|vrai|sur)|is (?:that|it|this) (?:true|all|right|correct)|that's (?:all|it)|"
    r"les deux|both|the other ones?|l'autre|les autres|toi|vous|you|"
    r"really|vraiment|ah bon|hein|huh|quoi|pardon|sorry|desolee?|repete|repeat(?: that)?|help|(?:a l')?aide|"
    r"(?:je ne|j'ai pas|je n'ai pas|je) compren\w+(?: pas)?|(?:j'ai|je n'ai) pas compris|i don't (?:understand|get it)|et alors|so what"
)
_MORE = re.compile(
    r"(?:(?:can|could) you |(?:peux-tu|pouvez-vous|tu peux|vous pouvez) )?"
    r"(?:tell me (?:some )?more|(?:some |any )?more details?|go on|continue|elaborate|summari[sz]e(?: (?:it|this|that))?|"
    r"(?:dis|dites|raconte|racontez)[- ]m'en plus|m'en dire plus|en savoir plus|plus de details?|"
    r"resume(?:r|-le|-la)?(?: (?:ca|cela))?|developpe(?:r)?|la suite)" + _POLITE
)


@functools.lru_cache(maxsize=128)
def is_small_talk(text: str) -> bool:
    """Whether a text is a greeting, thanks or an acknowledgement and nothing else, in English or French."""
    said = _bare(text)
    if not said or len(said) > LONGEST_TALK:
        return False
    if "?" in text:  # "hello?", "ça va ?" – but "ça marche ?", "non ?" ask something
        return _GREETED.fullmatch(said) is not None and _ASKED_BACK.match(said) is None
    return _SMALL.fullmatch(said) is not None


@functools.lru_cache(maxsize=128)
def is_remark(text: str) -> bool:
    """Whether a turn is about the chat and not about the documents: nothing later leans on it."""
    said = _bare(text)
    return is_small_talk(text) or asks_more(text) or _ABOUT_THE_CHAT.fullmatch(said[:LONGEST_TALK]) is not None


def asks_more(text: str) -> bool:
    """As in "Tell me more", "Résume"."""
    return _MORE.fullmatch(_bare(text)[:LONGEST_TALK]) is not None


def _bare(text: str) -> str:
    """Plain words of a text, without marks, smileys and emoji at its ends."""
    text = " ".join(text[: 10 * LONGEST_TALK].split())[: 2 * LONGEST_TALK]
    said = re.sub(r"(?:\s*(?::-?[)(DPp]|;-?\)|<3|\^\^))+\s*$", "", text)
    return " ".join(re.sub(r"^[\W_]+|[\W_]+$", "", plain(said)).split())
