"""English: how many, where, what it is, what it is written in, what it measures."""

from __future__ import annotations

import re

from finetune.generate.prose.english import Clause, single
from finetune.generate.prose.english_words import COUNTED, HOLDS, NO_DEFINITION, PERSONS, THINGS
from finetune.generate.prose.found import Found, forms
from finetune.generate.prose.subjects import has_name, standalone
from finetune.generate.titles import page

_COUNTED = re.compile(COUNTED)
_STOP = re.compile(
    r"$|[,;.]|\s(?:in|at|on|since|and (?=\d|two|three|four|five|ten)|by|with|from|as|"
    r"across|worldwide|during|between|through|over|within|under)\b"
)
_WHEN = re.compile(r" (?:in|as of|at the end of) (?:[A-Z][a-z]+ )?\d{4}(?!\d)")
_PLACE = re.compile(
    r"(?:in|on|at|near|along|between|within|north|south|east|west|northeast|northwest|"
    r"southeast|southwest|about|just|off|to the|next to)\b[^,;:()]*"
)
_NO_UNIT = frozenset("times years days months hours others less minutes weeks points yards series".split())
_NO_NOUN = frozenset(
    "of in and or the to for by with different more on from at were are is has other times new".split()
)
_UNIT = (
    r"(?:m|km|cm|mm|ft|feet|miles|metres|meters|kilometres|kilometers|inches|acres|"
    r"hectares|square miles|square kilomet(?:re|er)s)"
)
_NUMBER = r"(?:(?:about|around|approximately|nearly|over|more than|up to) )?\d[\d.,]*"
_VALUE = re.compile(r"(?:\d|[A-Z]|the |a |an |to [a-z]|\"|“)")
_ATTRIBUTE = re.compile(
    r"the (?:[a-z-]+ ){0,3}(?:capital|aim|goal|purpose|role|function|name|port|price|cost|"
    r"rate|budget|duration|area|population|language|"
    r"currency|motto|president|director|founder|author|format|licen[cs]e|version|value|"
    r"limit|size|capacity|height|length|width|depth|"
    r"speed|temperature|symbol|colou?r|anthem|principle|target|headquarters|successor|"
    r"predecessor|nickname|mascot|seat|default) (?:[a-z-]+ )?"
    r"of .+"
)
_TALK = re.compile(
    r"\b(?:also|then|therefore|thus|however|still|again|instead|especially|another|one of|just|really)\b"
)


def how_many(parts: Clause) -> list[Found]:
    """`How many employees does CERN have?`"""
    match = _COUNTED.match(parts.rest)
    if parts.verb not in HOLDS or not match or parts.date:
        return []
    value, noun, after = match["value"], match["noun"], parts.rest[match.end() :]
    if not _STOP.match(after) or _no_count(noun):
        return []
    dated = _WHEN.match(after)
    base, auxiliary = HOLDS[parts.verb]
    question = f"How many {noun} {auxiliary} {parts.subject.text} {base}{dated[0] if dated else ''}?"
    return forms("how-many", "count", value, f"{parts.subject.text} {noun}", [question])


def _no_count(noun: str) -> bool:
    words = noun.split()
    return words[-1] in _NO_UNIT or any(w in _NO_NOUN or w.endswith("ed") for w in words)


def where(parts: Clause) -> list[Found]:
    """`Where is the Eiffel Tower located?`"""
    verb = re.match(r"(?:located|situated|based|headquartered|born|buried|held) ", parts.rest)
    if parts.verb not in ("is", "are", "was", "were") or not verb or parts.date:
        return []
    place = _PLACE.match(parts.rest[verb.end() :])
    if not place:
        return []
    found = re.split(
        r"\s(?:and|who|which|that|where|from|since|for|by|with|as|during|after|before|to "
        r"[a-z]+)\b|\s(?:in|on|from) (?:\w+ )?(?:\d|the \d)",
        place[0],
    )[0].strip()
    if len(found.split()) > 12 or not has_name(found) or not standalone(found, "en") or re.search(r"\d{4}", found):
        return []
    about, said = parts.subject.text, verb[0].strip()
    return forms("where", "where", found, f"{about} {said}", [f"Where {parts.verb} {about} {said}?"])


def definition(parts: Clause) -> list[Found]:
    """`What is Redis?`, `Who was Lavoisier?`"""
    if (
        parts.verb not in ("is", "are", "was")
        or parts.date
        or not re.match(r"an? |the ", parts.rest)
        or not parts.subject.is_title
    ):
        return []
    about, core = parts.subject.text, parts.core
    value = parts.rest if len(parts.rest.split()) <= 40 else core
    phrase = re.split(
        r"\s(?:of|for|that|which|who|in|from|with|by|to|used|at|on|whose|and|where|based|"
        r"designed|developed|written|created)\b|[,;:(]",
        parts.rest,
        maxsplit=1,
    )[0]
    head = phrase.split()[-1].lower()
    if (
        len(core.split()) < 4
        or _TALK.search(core)
        or not standalone(core, "en")
        or head in NO_DEFINITION
        or (parts.rest.startswith("the ") and head not in THINGS)
        or parts.rest.split()[1].lower() in NO_DEFINITION
    ):
        return []
    if value is core and re.search(r"\b(?:who|which|that)\b", core):
        return []
    return forms("definition", "is", value, about, _who_or_what(about, head, parts.verb))


def _who_or_what(about: str, head: str, verb: str) -> list[str]:
    if head in PERSONS:
        return [f"Who {verb} {about}?"]
    capitals = [w for w in about.split() if w[:1].isupper()]
    if len(capitals) > 1 and len(capitals) == len(about.split()) and head not in THINGS:
        return []
    return [f"What {verb} {about}?", f"How would you define {about}?" if verb != "was" else ""]


def attribute(parts: Clause) -> list[Found]:
    """`What is the capital of Albania?`"""
    if (
        parts.verb not in ("is", "was")
        or parts.date
        or not _ATTRIBUTE.fullmatch(parts.subject.text)
        or not _VALUE.match(parts.rest)
    ):
        return []
    value = parts.core
    if (
        value != parts.rest
        or not single(value)
        or not standalone(value, "en")
        or len(value.split()) > 16
        or _TALK.search(value)
        or re.match(r"the (?:\w+est|most|only|first|same|second|best)\b", value)
    ):
        return []
    asked = (
        "Who"
        if re.search(r"\b(?:president|director|founder|author|successor|predecessor)\b", parts.subject.text)
        else "What"
    )
    return forms("which", "attribute", value, parts.subject.text, [f"{asked} {parts.verb} {parts.subject.text}?"])


def made_of(parts: Clause) -> list[Found]:
    """`Which language is Redis written in?`, `Under which licence is it distributed?`, `What is it also known as?`"""
    if parts.verb not in ("is", "was", "are") or parts.date:
        return []
    about = parts.subject.text
    written = re.match(
        r"written in ((?:Go|Java|C\+\+|C#|C|Rust|Python|Ruby|PHP|Perl|Erlang|JavaScript|"
        r"TypeScript|Scala|Kotlin|Swift|Lua|Haskell|Elixir|Dart|Objective-C)(?:(?:,| and) "
        r"(?:[A-Z][\w+#]*))*)(?![\w+#])",
        parts.rest,
    )
    if written:
        return forms(
            "which",
            "language",
            written[1],
            about,
            [
                f"Which programming language {parts.verb} {about} written in?",
                f"What language {parts.verb} {about} written in?",
            ],
        )
    licence = re.match(
        r"(?:distributed|released|licen[sc]ed|published|available) under (?:the )?"
        r"([A-Z][\w.+-]*(?: (?:or |and )?[A-Z0-9][\w.+-]*)*(?: [Ll]icen[cs]e)?)",
        parts.rest,
    )
    if licence:
        verb = parts.rest.split(" ")[0]
        return forms(
            "which",
            "licence",
            licence[1].strip(),
            about,
            [f"Under which licence {parts.verb} {about} {verb}?", f"Which licence {parts.verb} {about} {verb} under?"],
        )
    known = re.match(
        r"(?:also |sometimes |often |commonly |popularly |better )?(?:known|referred to|"
        r"nicknamed) (?:as )?(\"[^\"]{2,60}\"|“[^“”]{2,60}”)",
        parts.rest,
    )
    if known:
        how = parts.rest.split(known[1])[0].strip()
        return forms("which", "known", known[1].strip('"“”'), about, [f"What {parts.verb} {about} {how}?"])
    return []


def measure(parts: Clause) -> list[Found]:
    """`How long is the Amazon?`, `How much does a licence cost?`"""
    about = parts.subject.text
    match = re.match(rf"({_NUMBER} {_UNIT})(?: \([^)]*\))? (long|wide|high|tall|deep|thick)\b", parts.rest)
    if parts.verb in ("is", "was") and match and not parts.date:
        return forms("how-many", match[2], match[1], about, [f"How {match[2]} {parts.verb} {about}?"])
    for verb, pattern, question in (
        ("costs", rf"([$€£]{_NUMBER}|{_NUMBER} (?:dollars|euros|pounds))(?: (?:per|a) \w+)?", "How much does {} cost?"),
        ("weighs", rf"({_NUMBER} (?:kg|kilograms|pounds|lb|tons|tonnes|grams))", "How much does {} weigh?"),
        ("lasts", rf"({_NUMBER} (?:seconds|minutes|hours|days|weeks|months|years))", "How long does {} last?"),
        ("listens", r"on port (\d{1,5})(?![\d.])", "Which port does {} listen on?"),
    ):
        found = re.match(pattern, parts.rest) if parts.verb == verb else None
        if found and not parts.date:
            return forms("which" if verb == "listens" else "how-many", verb, found[1], about, [question.format(about)])
    return []


def numbers(text: str, title: str) -> list[Found]:
    """Sentences that open with a number or a share: `How many people work at CERN?`"""
    body = text.rstrip(".")
    if (
        re.search(r"[,;:()\"“”](?!\d)", body)
        or len(body.split()) > 22
        or not standalone(body, "en")
        or _TALK.search(body)
    ):
        return []
    if re.search(r"\b(?:who|which|that|where|when|while|because|but|although|as)\b", body):
        return []
    if not has_name(body.split(" ", 1)[1]) and (not 0 < len(title) <= 80 or title.rstrip().endswith("?")):
        return []
    place = "" if has_name(body.split(" ", 1)[1]) else f", {page(title, 'en')}"
    share = re.match(
        r"((?:(?:About|Around|Approximately|Nearly|Almost|Over|More than|At least|Some|Up to) "
        r")?\d+(?:\.\d+)?\s?(?:%|percent|per cent)) (of .+)",
        body,
    )
    if share:
        value = share[1] if share[1][0].isdigit() else share[1][0].lower() + share[1][1:]
        return forms(
            "how-many",
            "share",
            value,
            share[2],
            [f"What percentage {share[2]}{place}?", f"What proportion {share[2]}{place}?"],
        )
    opening = body[0].lower() + body[1:]
    match = _COUNTED.match(opening)
    if not match or _no_count(match["noun"]):
        return []
    rest = opening[match.end() :].strip()
    if not re.match(
        r"(?:are|were|have|had|live|lived|work|worked|use|took|died|attended|voted|belong|came|"
        r"play|played|participated)\b",
        rest,
    ):
        return []
    return forms(
        "how-many", "number", match["value"], f"{match['noun']} {rest}", [f"How many {match['noun']} {rest}{place}?"]
    )
