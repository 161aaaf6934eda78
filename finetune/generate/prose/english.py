"""English sentences taken apart: subject, finite verb, the rest; then when and by whom."""

from __future__ import annotations

import re
from dataclasses import dataclass

from finetune.generate.prose import dates
from finetune.generate.prose.dates import ASKS, Date
from finetune.generate.prose.english_words import AGENCY, AUXILIARIES, BASE, NO_AGENT, PARTICIPLE, PAST, PRESENT, VERBS
from finetune.generate.prose.found import Found, forms
from finetune.generate.prose.subjects import Subject, has_name, standalone, subject, unclear

_GUARD = frozenset("was were is are has have had will can did does do became".split())
_CLAUSE = frozenset(
    "who whom whose which that where when while because but although though as until before after since so".split()
)
_AFTER = re.compile(r"$|(?:by|at|in|on|with|under|against|to|from|as|for|between|near|over|through|during)\s")
_SAID = re.compile(
    r"\b(?:announc|plan|propos|expect|schedul|promis|estimat|predict|project(?:ed)|request|"
    r"intend|decid|agree|agreed|suggest|set to|due to)\w*"
)
_TALK = re.compile(
    r"\b(?:also|then|therefore|thus|however|still|already|always|often|usually|again|later|"
    r"soon|once|subsequently|eventually|finally|instead)\b"
)
# A second date of the same event follows.
_MORE = re.compile(r",? ?(?:then|and|or)? ?(?:again )?(?:in|on|from|between) (?:\w+ )?\d")
_HANGING = frozenset(
    "by until till from of the a an and or at to for with about around after before as since only early late".split()
)
_PERIOD = re.compile(r"\b(?:since|until|till|every|each|during|throughout|annually|for \w+ years)\b")
_AGENT_END = re.compile(
    r"[,;:.()\"“”]|\s(?:in|on|at|for|to|from|with|after|before|during|as|who|whom|which|"
    r"that|under|using|against|near|between|when|while|"
    r"where|because|since|through|via|based|and by|and was|and is|and has|was|is|has|had|"
    r"into|over|around|by|but|until|within|without)\b"
)


@dataclass(frozen=True)
class Clause:
    """`In 1999, | the CNIL | was | created by law.` without its full stop."""

    subject: Subject
    verb: str
    rest: str
    date: Date | None

    @property
    def core(self) -> str:
        """The rest up to its first comma, semicolon, colon or bracket."""
        return re.split(r",(?!\d)|[;:()]|\s[–—-]\s|[–—]", self.rest, maxsplit=1)[0].rstrip()


def clause(text: str, title: str, chunk: str) -> Clause | None:
    """The main clause of a plain sentence; None when its subject does not stand alone."""
    date = dates.fronted(text, "en")
    body = text[date.end :] if date else text
    words = body.rstrip(".").split(" ")
    at = next((i for i, word in enumerate(words[:14]) if i and word in VERBS), None)
    about = subject(" ".join(words[:at]), title, chunk, "en") if at else None
    if at is None or about is None:
        return None
    return Clause(about, words[at], " ".join(words[at + 1 :]), date)


def single(phrase: str) -> bool:
    """Whether a phrase holds no second finite verb and no clause of its own."""
    return not any(word in _GUARD or word in _CLAUSE for word in phrase.lower().split())


def when(parts: Clause) -> list[Found]:
    """`When was the CNIL created?`, `When did Matt Holt publish the first version of Caddy?`"""
    core = parts.core
    date = parts.date or dates.find(core, "en")
    if date is None:
        return []
    before, after = (core, "") if parts.date else (core[: date.start].rstrip(), core[date.end :].strip())
    if _MORE.match(parts.rest[len(core) :]):
        return []
    if parts.date and (re.search(r"\b(?:1\d|20)\d\d\b", core) or not _whole(parts)):
        return []
    said = " ".join(f"{before} {after}".split())
    if (
        not _happens(parts, before, date.kind)
        or not _AFTER.match(after)
        or not single(said)
        or not standalone(said, "en")
    ):
        return []
    if (
        len(said.split()) > 14
        or _TALK.search(said)
        or _SAID.search(said)
        or _PERIOD.search(said)
        or not _attached(parts, before)
    ):
        return []
    if unclear(said, "en") and not parts.subject.is_title and not parts.subject.page:
        return []
    if parts.verb in BASE and re.search(r"\b(?:and|or|but) (?:\w+ly )?[a-z]+ed\b", said):
        return []
    # "The area of forest lost in the Amazon rose": the first past form was no verb.
    if parts.verb in BASE and any(word in BASE for word in said.split()):
        return []
    asked = _asked(parts, said)
    return forms(
        "when",
        "when",
        date.value,
        f"{parts.subject.text} {parts.verb} {said}",
        [f"{ask} {asked}?" for ask in ASKS["en"][date.kind]],
    )


def _asked(parts: Clause, said: str) -> str:
    if parts.verb in AUXILIARIES:
        return f"{parts.verb} {parts.subject.text} {said}"
    return f"did {parts.subject.text} {BASE[parts.verb]} {said}".rstrip()


def _happens(parts: Clause, before: str, kind: str) -> bool:
    first = before.split(" ")[0] if before else ""
    if parts.verb in ("was", "were"):
        return bool(PARTICIPLE.fullmatch(first)) and not kind.startswith("since")
    if parts.verb in ("has", "have"):
        return kind.startswith("since") and (first == "been" or bool(PARTICIPLE.fullmatch(first)))
    if parts.verb in BASE and parts.verb not in ("had",):
        return not kind.startswith("since") and (
            bool(before)
            or parts.verb
            in ("died", "began", "ended", "opened", "closed", "started", "appeared", "retired", "resigned", "debuted")
        )
    return False


def _whole(parts: Clause) -> bool:
    """Whether what follows the core's comma is no further item of a list."""
    left = parts.rest[len(parts.core) :]
    return not left or (
        bool(
            re.match(
                r",? (?:who|which|where|when|while|with|after|before|becoming|making|and|but|\w+ing|by|"
                r"at|in|on|as)\b|\s\(|;",
                left,
            )
        )
        and not re.match(r", and \w+$", left)
    )


def _attached(parts: Clause, before: str) -> bool:
    """Whether the date belongs to the verb and not to a participle or infinitive before it."""
    if re.search(r"\bto [a-z]+\b(?<!to the)(?<!to a)", before) and re.search(
        r"\bto (?!the\b|a\b|an\b|be\b)[a-z]+", before
    ):
        return False
    words = before.split()
    if words and words[-1] in _HANGING:
        return False
    skip = 2 if words[:1] == ["been"] else 1 if parts.verb in AUXILIARIES else 0
    return parts.date is not None or not any(
        re.fullmatch(r"[a-z-]{2,}(?:ed|ing)|written|built|made|held|born", w) for w in words[skip:]
    )


def who(parts: Clause) -> list[Found]:
    """`Who created Redis?`"""
    rest = parts.rest.removeprefix("been ") if parts.verb in ("has", "had", "have") else parts.rest
    if parts.verb not in ("was", "were", "is", "are") and rest is parts.rest:
        return []
    match = re.match(r"(?:(?:originally|first|initially|jointly) )?([\w-]+) (?:(?:in|on) [\w ,]{4,20}? )?by ", rest)
    if not match or match[1] not in AGENCY or not standalone(parts.core, "en"):
        return []
    found = agent(rest[match.end() :])
    if not found or (parts.verb in ("is", "are") and match[1] not in PRESENT and match[1] not in PAST):
        return []
    about, participle, verb = parts.subject.text, match[1], parts.verb
    been = "been " if verb in ("has", "had", "have") else ""
    active = (
        PRESENT.get(participle, PAST.get(participle, "")) if verb in ("is", "are") else PAST.get(participle, participle)
    )
    questions = [
        f"Who {active} {about}?" if active and not been else "",
        f"Who {verb} {about} {been}{participle} by?",
        f"By whom {verb} {about} {been}{participle}?",
    ]
    return forms("who", "by", found, f"{about} {participle}", questions)


def agent(text: str) -> str:
    """A person or an organisation with a name, at the beginning of `text`; else nothing."""
    end = _AGENT_END.search(text)
    found = text[: end.start()].strip() if end else text.strip()
    words = found.split()
    if (
        not words
        or len(words) > 10
        or not has_name(found)
        or not standalone(found, "en")
        or words[0].lower() in ("a", "an", "one", "both")
    ):
        return ""
    if end and end[0] == "(":
        return ""
    if end and end[0].startswith(",") and re.match(r", (?:[A-Z][\w. ]+, )*(?:and )?[A-Z]", text[end.start() :]):
        return ""
    lower = [w for w in words if w[0].islower()]
    if any(w.lower().removesuffix("'s") in NO_AGENT for w in words) or words[-1].lower() in ("and", "the", "of"):
        return ""
    return "" if len(lower) > 6 or re.search(r"\d", found) else found
