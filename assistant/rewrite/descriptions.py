"""Follow-ups that describe what was named before: "the Wall", "the application", "Which is more important?"."""

from __future__ import annotations

import re

from assistant.rewrite import english, french
from assistant.rewrite.fields import is_general, lone_field
from assistant.rewrite.fragments import FRAGMENT, is_sentence
from assistant.rewrite.names import names
from assistant.rewrite.phrases import runs
from assistant.rewrite.question import Asked, Rewritten, of
from assistant.rewrite.topic import find, pair
from assistant.rewrite.words import is_form
from retrieval.types import Language

_COMPARISON = re.compile(
    r"^(?:which|which one|which of (?:them|the two|these)|what|lequel|laquelle|lesquels|lesquelles|quel|quelle)"
    r"(?: (?:is|are|was|one is|offers|protects|est|sont|a ete|coute))? (?:the |le |la )?"
    r"(?:more|most|less|least|better|best|worse|worst|plus|moins|meilleure?|mieux|pire|"
    r"(?:cheap|fast|larg|bigg|old|new|easi|saf|small|long|high|low|strong|simpl|slow)(?:er|est))\b"
)
_DIFFERENCE = re.compile(
    r"\b(?:differences?|same|meme|different\w*|ressembl\w*|mieux)\b(?! (?:between|entre|with|from|than|avec|que)\b)"
)
_OTHERS = re.compile(
    r"\b(?:(?:any|some|what|which|the) others?|what else|who else|anything else|another|d'autres?|autre chose|qui d'autre)\b"
)
_THE = re.compile(r"\b(?:(?P<of>du )|(?P<to>au )|the |this |that |le |la |les |l'|ce |cette )(?P<noun>[a-z-]{3,}+)")
# "How many users for Redis?", "À quelle fréquence pour Redis ?"
_MANY = re.compile(
    r"\b(?:how (?:many|much)|combien)\b|"
    r"^(?:which|what|quel(?:le)?s?) (?!version)[a-z-]+\s*[?.!]*$|^(?:a|en|par|sous|sur|dans|avec|pour|at|in|for|with|by|on) "
)
_INVERTED = re.compile(r"^(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\s*$")


def compared(asked: Asked) -> Rewritten | None:
    """As in "Which is more important?" of what the last question set side by side."""
    if asked.own_names or len(asked.content) > FRAGMENT:
        return None
    if len(names(asked.past.question, asked.language)) > 2:
        return None
    both = re.sub(
        r" (?:or|ou) ", " et " if asked.language == "fr" else " and ", pair(asked.past.question, asked.language)
    )
    between = "entre" if asked.language == "fr" else "between"
    if _COMPARISON.match(asked.plain):
        return asked.appended(f"{between} {both}", "comparison") if both else None
    if both and _DIFFERENCE.search(asked.plain):
        return asked.appended(f"{between} {both}", "comparison")
    others = asked.past.topic.named and _OTHERS.search(asked.plain) and len(asked.content) <= 1
    return asked.about("comparison") if others and not is_general(asked.text) else None


def partly_named(asked: Asked) -> Rewritten | None:
    """As in "the Wall", after a question about the Great Wall of China."""
    for match in filter(lambda match: _whole(asked, match), _THE.finditer(asked.plain)):
        for text in (*asked.past.earlier, asked.topic):
            if (whole := _compound(text, match["noun"], asked.language)) and not find(asked.text, whole):
                return asked.replaced(match.span(), whole, "description")
    return None


def _compound(text: str, noun: str, language: Language) -> str:
    """The phrase of a text in which a noun is the head of several words: "quit india movement" for "movement"."""
    for run in runs(text, language):
        for i, word in enumerate(run):
            closed = i + 1 == len(run) or is_form(run[i + 1], language)
            if _root(word.key) == _root(noun) and closed and i and not is_form(run[i - 1], language):
                start = i
                while start and not is_form(run[start - 1], language):
                    start -= 1
                return text[run[start].start : run[-1].end]
    return ""


def _root(key: str) -> str:
    return key.rstrip("sx") if len(key) > 3 else key


def described(asked: Asked) -> Rewritten | None:
    """As in "the application", "What are the benefits?": a noun of the documents' world that nothing defines."""
    if asked.own_names or is_general(asked.text):
        return None
    if len(asked.content) <= FRAGMENT and asked.past.topic.named and (found := _generic(asked)):
        what = of(asked.topic, "fr") if found["of"] else f"à {asked.topic}" if found["to"] else asked.topic
        return asked.replaced(found.span(), what, "description")
    if not lone_field(asked.text, asked.language):
        return None
    if _MANY.search(asked.plain):
        return asked.about("description")
    return asked.appended(of(asked.topic, asked.language), "description")


def _generic(asked: Asked) -> re.Match[str] | None:
    """Where "the application" stands, when nothing behind it says which."""
    generic = french.GENERIC if asked.language == "fr" else english.GENERIC
    matches = _THE.finditer(asked.plain)
    return next((match for match in matches if match["noun"] in generic and _whole(asked, match)), None)


def _whole(asked: Asked, match: re.Match[str]) -> bool:
    """Whether the noun phrase ends with this noun: at a mark or verb, or in "Is the application free?"."""
    after = next((w for w in asked.words if w.start >= match.end()), None)
    if after is None or re.match(r"\s*[,?.!]|'s\b", asked.plain[match.end() :]):
        return True
    return is_sentence(after.text, asked.language) or _INVERTED.match(asked.plain[: match.start()]) is not None
