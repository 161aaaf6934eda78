"""Questions that say first what they are about: "Et nginx, il écoute où ?" is about nginx, whatever came before."""

from __future__ import annotations

import re
from dataclasses import replace

from assistant.rewrite import english, french
from assistant.rewrite.fields import is_field
from assistant.rewrite.question import Asked, Rewritten
from assistant.rewrite.topic import Topic
from assistant.rewrite.words import is_form, split

_FRONTED = re.compile(
    r"^(?P<head>(?:(?:pour|chez|avec|for|with|sur|as for|concernant|regarding) )?[\w'.+#&/-]+(?: [\w'.+#&/-]+){0,4}?)"
    r"(?: (?:alors|donc|then|though))?"
    r"(?:\s*[,:]\s*(?:et |and )?|\s+(?=(?:il|elle|ils|elles|c'est|ca|on)\s))(?P<tail>\S+\s+\S.*|quel\w*\b.*|what\b.*)$"
)
_PREPOSITION = re.compile(r"^(?:pour|chez|avec|for|with|sur|as for|concernant|regarding) ")
# "Dis, il coûte combien ?", "Techniquement, …"
_INTERJECTION = re.compile(
    r"^(?:dis|dites|dis-moi|dites-moi|tiens|attends|attendez|wait|hey|hi|hello|bonjour|salut|euh|hum|hm|listen|look|please|stp|"
    r"svp|finalement|actually|cote|niveau|question|\w+ment|\w+ly)\b"
)
_OPEN = re.compile(
    r"^(?:l'|le |la |les |un |une |the |an? |son |sa |ses |leurs? |its |their |his |her |ce |cette |this |that )"
)
_ASKS = re.compile(
    r"^(?:il|elle|ils|elles|it|they|he|she|ca|c'est|on|qui|que|qu'|quoi|quels?|quelles?|comment|combien|ou|quand|pourquoi|"
    r"depuis|a quoi|a qui|dans|en quoi|what|which|who|where|when|why|how|does|do|is|are|was|has|can|est-|a-t|son|sa|ses|its|leurs?)"
)


def fronted(asked: Asked) -> tuple[bool, Rewritten | None]:
    """Whether the question names its own subject first; then what it is as one of its own, if it leans on that."""
    match = _FRONTED.match(asked.plain)
    if match is None or not _ASKS.match(match["tail"]) or _INTERJECTION.match(match["head"]):
        return False, None
    start, end = match.span("head")
    head = asked.text[start + (found.end() if (found := _PREPOSITION.match(match["head"])) else 0) : end]
    lower = _OPEN.match(match["head"]) is not None and not any(c.isupper() for c in head[1:])
    words = split(head)
    if lower or not words or all(is_form(w, asked.language) for w in words):
        return False, None
    if is_form(words[0], asked.language) and not head[:1].isupper() and not asked.linked:
        return False, None
    if is_field(head, asked.language) and not head[:1].isupper():
        return False, None
    if not asked.linked:
        return True, None
    tail = asked.text[slice(*match.span("tail"))]
    inner = replace(asked, text=tail, past=replace(asked.past, topic=Topic(head, True), person=""))
    return True, (french.resolve if asked.language == "fr" else english.resolve)(inner)
