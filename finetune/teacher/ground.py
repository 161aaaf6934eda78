"""Whether a proposed question and answer rest on the chunk they were made from: each check has the reason of its drop."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from finetune.sources import SourceChunk
from finetune.standalone.question import standalone
from finetune.teacher.agree import known_in
from finetune.teacher.prompts import Reading
from finetune.teacher.reply import Proposal
from finetune.teacher.stated import names, numbers
from retrieval import citations
from retrieval.lexical import analyze
from retrieval.text import detect_language, sentence_spans, words
from retrieval.types import Passage

SHORTEST, LONGEST = 3, 200
"""Words of an answer."""
SHORTEST_QUOTE = 2
"""Words; one word is found anywhere."""

_SAME = str.maketrans(dict.fromkeys("’‘ʼ′`", "'") | dict.fromkeys("“”„«»", '"') | {"‑": "-", "‐": "-"})
_END = re.compile(r"\s*(?:[.!?…]+[\"'»”’)\]]*)?\s*\Z")
_TAG = re.compile(r"\[chunk_\d+\]")

Check = tuple[str, Callable[[Proposal, Reading], bool]]


def fault(proposal: Proposal, reading: Reading, checks: tuple[Check, ...]) -> str:
    """Why a proposal is dropped: the reason of the first check it fails; empty when it fails none."""
    return next((reason for reason, passes in checks if not passes(proposal, reading)), "")


def verbatim(quote: str, text: str) -> str:
    """The words of the text that the quote repeats, as they stand there; empty when it does not.

    White space, the form of quotation marks and apostrophes, and Markdown's emphasis do not count.
    """
    wanted, _ = _plain(quote)
    plain, places = _plain(text)
    at = plain.find(wanted) if wanted else -1
    return text[places[at] : places[at + len(wanted) - 1] + 1] if at >= 0 else ""


def cited(answer: str, chunk: SourceChunk) -> str:
    """The answer with the chunk cited in each of its sentences, whatever the teacher cited."""
    text, _ = citations.normalise(answer, {chunk.number: chunk})
    pieces, at = [], 0
    for start, end in sentence_spans(text):
        sentence = text[start:end]
        pieces.append(text[at:start] + (sentence if _needs_none(sentence) else _tagged(sentence, chunk.number)))
        at = end
    return "".join(pieces)


def passage(reading: Reading) -> Passage:
    """The chunk as the check of citations takes it."""
    document, chunk = reading.document, reading.chunk
    return Passage(chunk.number, document.key, "", document.title, chunk.headings, chunk.text, 1.0, 0.0, 0.0)


def _needs_none(sentence: str) -> bool:
    """A sentence that is cited, or that only announces a list."""
    return bool(_TAG.search(sentence)) or sentence.rstrip().endswith(":") or not words(sentence)


def _tagged(sentence: str, number: int) -> str:
    end = _END.search(sentence)
    assert end is not None
    return f"{sentence[: end.start()]} [chunk_{number}]{end[0]}"


def _plain(text: str) -> tuple[str, list[int]]:
    """The text as quotes are compared, and the place of each of its characters in the text."""
    made: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for c in unicodedata.normalize("NFKC", char).translate(_SAME):
            blank = c.isspace()
            if c == "*" or (blank and (not made or made[-1] in ' "')):
                continue
            if c == '"' and made and made[-1] == " ":  # « x » is "x"
                made.pop(), places.pop()
            made.append(" " if blank else c)
            places.append(place)
    while made and made[-1] == " ":
        made.pop(), places.pop()
    return "".join(made), places


def _asks_alone(proposal: Proposal, reading: Reading) -> bool:
    return standalone(proposal.question, reading.language, [reading.document.title])


def _speaks(proposal: Proposal, reading: Reading) -> bool:
    said = (proposal.question, proposal.answer)
    return all(detect_language(text, default=reading.language) == reading.language for text in said)


def _quotes(proposal: Proposal, reading: Reading) -> bool:
    return len(words(proposal.quote)) >= SHORTEST_QUOTE and bool(verbatim(proposal.quote, reading.text))


def _invents_nothing(proposal: Proposal, reading: Reading) -> bool:
    source = f"{reading.text}\n{proposal.question}"
    answer = citations.normalise(proposal.answer, {})[0]
    return numbers(answer, reading.language) <= numbers(source, reading.language) | _bare(source) and names(
        answer
    ) <= known_in(source) | _elided(source)


def _bare(text: str) -> frozenset[str]:
    """Figures as they stand, for a number that is read otherwise where it stands: `1, 2 et 3`, `RFC1234`."""
    return frozenset(re.findall(r"\d+(?:\.\d+)*", text))


def _elided(text: str) -> frozenset[str]:
    return frozenset(known_in(re.sub(r"[._/-]", "", text)))


def _supports(proposal: Proposal, reading: Reading) -> bool:
    checked = citations.check(cited(proposal.answer, reading.chunk), [passage(reading)], reading.language)
    return bool(checked.citations) and all(citation.supported for citation in checked.citations)


def _tells_more(proposal: Proposal, reading: Reading) -> bool:
    """Whether the answer says something that the question does not; of a yes-no question it need not."""
    if re.match(r"\W*(?:oui|non|yes|no)\b", proposal.answer, re.IGNORECASE):
        return True
    return not set(analyze(proposal.answer, reading.language)) <= set(analyze(proposal.question, reading.language))


def _fits(proposal: Proposal, _: Reading) -> bool:
    return SHORTEST <= len(words(proposal.answer)) <= LONGEST


ASKED: tuple[Check, ...] = (("not standalone", _asks_alone), ("the language is not the document's", _speaks))
"""What holds of every question."""
ANSWERED: tuple[Check, ...] = (
    *ASKED,
    ("the answer is too short or too long", _fits),
    ("the quote is not in the chunk", _quotes),
    ("a number or a name is not in the chunk", _invents_nothing),
    ("the answer is in the question", _tells_more),
    ("the chunk does not support the answer", _supports),
)
"""What holds of a question with its answer."""
