"""The llm-based method: a teacher reads a chunk and writes questions with answers; what fails a check is dropped and counted.

chunk ──ask──▶ reply ──parse──▶ proposals ──ground──▶ candidates ──search──▶ found ──answer blind──▶ agree? ──▶ examples
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from finetune.drops import Drops
from finetune.examples import Example
from finetune.teacher import ground
from finetune.teacher.agree import agree
from finetune.teacher.calls import Asker
from finetune.teacher.kinds import kind_of
from finetune.teacher.prompts import Reading, answering, asking, correcting
from finetune.teacher.replies import Failed
from finetune.teacher.reply import BadReply, Proposal, parse
from retrieval.errors import GeneratorFailed
from retrieval.text import fold, words
from retrieval.types import Language, Message

__all__ = ["Reading", "examples"]

BATCH = 16
"""Chunks that are asked about before their questions are checked: enough to keep every worker busy. The first batches are
smaller, so that whoever wants a few examples pays for a few."""
FIRST = 20
"""Replies after which a teacher that mostly writes garbage is given up."""
FOUND = 10
"""Chunks of a search among which the chunk must be."""
SHOWN = 5
"""Passages that the second answer is given."""

REFUSALS = 0.2
"""Largest share of refusals among what is asked a second time: each costs a call."""

Find = Callable[[str], Sequence[int]]
TextOf = Callable[[int], str]
Refuses = Callable[[str, Language], bool]
NOT_FOUND: Mapping[Language, str] = {
    "fr": "Je ne trouve pas la réponse dans les documents.",
    "en": "I can't find the answer in the documents.",
}
"""What the second answer is to say when the passages do not hold it."""


class TeacherUnfit(GeneratorFailed):
    """Most of what the teacher replies cannot be used."""


def examples(
    chunks: Iterable[Reading],
    asker: Asker,
    find: Find | None,
    per_chunk: int,
    drops: Drops,
    known_refusal: Mapping[Language, str],
    *,
    text_of: TextOf | None = None,
    judge: Asker | None = None,
    refuses: Refuses | None = None,
) -> Iterator[Example]:
    """Examples of each chunk in turn, at most `per_chunk` and a refusal each.

    `find`: numbers of the chunks that our search finds, best first. Without it the second answer is given the chunk alone,
    the form of an example says `teacher.not-searched`, and no refusal is made. `text_of`: title and text of a chunk by its
    number, for what is found beside the chunks given. `judge`: who gives the second answer, else the teacher. `refuses`:
    whether an answer only says that there is none, else when it is the one that was asked for, word for word.
    Raises TeacherUnfit, and what the asker raises.
    """
    method = _Method(asker, judge or asker, find, text_of, per_chunk, drops, known_refusal, refuses or _refuses)
    readings, size = iter(chunks), 2
    while batch := list(islice(readings, size)):
        yield from method.batch(batch)
        size = min(2 * size, BATCH)
    method.fitness.end()


@dataclass(frozen=True)
class _Candidate:
    """A proposal that passed every check that needs no further call."""

    reading: Reading
    proposal: Proposal
    passages: tuple[str, ...]
    """What the second answer is given."""

    @property
    def refuses(self) -> bool:
        return kind_of(self.proposal.type) == "refusal"


class _Method:
    def __init__(
        self,
        teacher: Asker,
        judge: Asker,
        find: Find | None,
        text_of: TextOf | None,
        per_chunk: int,
        drops: Drops,
        refusals: Mapping[Language, str],
        refuses: Refuses,
    ) -> None:
        self._teacher, self._judge = teacher, judge
        self._find, self._text_of = find, text_of
        self._per_chunk, self._drops, self._refusals, self._refuses = per_chunk, drops, refusals, refuses
        self._kept = self._refusing = 0
        """Questions that went on to a second answer, and refusals among them."""
        self.fitness = _Fitness(teacher.name)

    def batch(self, readings: Sequence[Reading]) -> Iterator[Example]:
        """The examples of some chunks."""
        texts = {reading.chunk.number: reading.text for reading in readings}
        candidates = [
            candidate
            for reading, proposals in zip(readings, self._proposals(readings), strict=True)
            for proposal in proposals
            if (candidate := self._candidate(reading, proposal, texts)) is not None
        ]
        # All of them before the first is used: whoever has enough then breaks off no call that is paid for.
        answers = list(self._judge.ask_all([self._blind(candidate) for candidate in candidates]))
        for candidate, answer in zip(candidates, answers, strict=True):
            reason = self._disagreement(candidate, answer)
            if reason:
                self._drops.add(reason, f"{candidate.proposal.question} — {_said(answer)}")
            else:
                yield self._example(candidate)

    def _proposals(self, readings: Sequence[Reading]) -> list[list[Proposal]]:
        """What the teacher proposes for each chunk; a reply that cannot be read is asked for once more."""
        prompts = [asking(reading, self._per_chunk) for reading in readings]
        replies = list(self._teacher.ask_all(prompts))
        again = {i: why for i, reply in enumerate(replies) if isinstance(reply, str) and (why := _unreadable(reply))}
        mended = self._teacher.ask_all(
            [correcting(prompts[i], str(replies[i]), why, readings[i].language) for i, why in again.items()]
        )
        replies = [*replies]
        for i, reply in zip(again, mended, strict=True):
            replies[i] = reply
        return [self._read(reading, reply) for reading, reply in zip(readings, replies, strict=True)]

    def _read(self, reading: Reading, reply: str | Failed) -> list[Proposal]:
        """The proposals of a reply, no more than were asked for. Raises TeacherUnfit."""
        try:
            proposals = [] if isinstance(reply, Failed) else parse(reply)
        except BadReply:
            proposals, reason = [], "the teacher's reply is not the JSON asked for"
        else:
            reason = reply.reason if isinstance(reply, Failed) else ""
        self.fitness.heard(_said(reply), bool(reason))
        if reason:
            self._drops.add(reason, f"[chunk_{reading.chunk.number}] {_said(reply)}")
        refusals = [p for p in proposals if kind_of(p.type) == "refusal"]
        return [p for p in proposals if p not in refusals][: self._per_chunk] + refusals[:1]

    def _candidate(self, reading: Reading, proposal: Proposal, texts: Mapping[int, str]) -> _Candidate | None:
        """The proposal, ready for its second answer; None when it is dropped, which is counted."""
        kind = kind_of(proposal.type)
        checks = ground.ASKED if kind == "refusal" else ground.ANSWERED
        reason = "unknown type" if kind is None else ground.fault(proposal, reading, checks)
        found: Sequence[int] = ()
        if not reason and self._find is not None:
            found = self._find(proposal.question)[:FOUND]
            if kind != "refusal" and reading.chunk.number not in found:
                reason = "our search does not find its chunk"
        elif not reason and kind == "refusal":
            reason = "no search to check a refusal with"
        if not reason and kind == "refusal" and self._refusing >= REFUSALS * (self._kept + 1):
            reason = "refusals enough"
        if reason:
            self._drops.add(reason, f"{proposal.question} — {proposal.answer or proposal.type}")
            return None
        self._kept += 1
        self._refusing += kind == "refusal"
        return _Candidate(reading, proposal, self._passages(reading, found, texts))

    def _passages(self, reading: Reading, found: Sequence[int], texts: Mapping[int, str]) -> tuple[str, ...]:
        """The texts of the chunks found first, the chunk itself among them where it was found."""
        own = reading.chunk.number
        if not found:
            return (reading.text,)
        shown = list(found[:SHOWN]) if own in found[:SHOWN] or own not in found else [*found[: SHOWN - 1], own]
        known = (texts.get(n) or (self._text_of(n) if self._text_of else "") for n in shown)
        return tuple(text for text in known if text)

    def _blind(self, candidate: _Candidate) -> tuple[Message, ...]:
        language = candidate.reading.language
        return answering(candidate.proposal.question, candidate.passages, NOT_FOUND[language], language)

    def _disagreement(self, candidate: _Candidate, answer: str | Failed) -> str:
        """Why the second answer speaks against the example; empty when it does not."""
        if isinstance(answer, Failed):
            return answer.reason
        language = candidate.reading.language
        refused = self._refuses(answer, language)
        if candidate.refuses:
            return "" if refused else "a second answer finds what was to be refused"
        proposal = candidate.proposal
        agreed = not refused and agree(proposal.answer, answer, proposal.question, language)
        return "" if agreed else "a second answer disagrees"

    def _example(self, candidate: _Candidate) -> Example:
        reading, proposal = candidate.reading, candidate.proposal
        kind = kind_of(proposal.type)
        assert kind is not None
        refusal = self._refusals[reading.language]
        value = ground.verbatim(proposal.value, reading.text)
        stated = value and fold(value) in fold(proposal.answer)
        return Example(
            question=" ".join(proposal.question.split()),
            answer=refusal if candidate.refuses else ground.cited(proposal.answer, reading.chunk),
            type=kind,
            language=reading.language,
            gold=(reading.chunk.number,),
            documents=(reading.document.key,),
            method="llm-based",
            form="teacher" if self._find is not None else "teacher.not-searched",
            answers=(value,) if stated and not candidate.refuses else (),
            quote="" if candidate.refuses else ground.verbatim(proposal.quote, reading.text),
        )


class _Fitness:
    """Whether a teacher writes what can be used, told early: its replies cost money."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._heard = self._bad = 0
        self._shown = ""

    def heard(self, reply: str, bad: bool) -> None:
        """Count a reply. Raises TeacherUnfit when more than half of the first are bad."""
        self._heard += 1
        if self._heard > FIRST or not bad:
            return
        self._bad += 1
        self._shown = self._shown or reply
        if self._bad > FIRST // 2:
            raise self._unfit()

    def end(self) -> None:
        """No more replies. Raises TeacherUnfit when all of a few were bad."""
        if 0 < self._heard == self._bad:
            raise self._unfit()

    def _unfit(self) -> TeacherUnfit:
        shown = self._shown if len(self._shown) <= 300 else self._shown[:300].rstrip() + "…"
        message = f"{self._name} is no teacher: {self._bad} of its first {self._heard} replies cannot be used. One of them: {shown}"
        return TeacherUnfit(
            message,
            "Choose a larger model, or one that follows instructions; raise model.max_tokens if replies break off.",
        )


def _unreadable(reply: str) -> str:
    """What is wrong with a reply; empty for nothing."""
    try:
        parse(reply)
    except BadReply as bad:
        return bad.why
    return ""


def _refuses(answer: str, language: Language) -> bool:
    """Whether an answer is the refusal that was asked for, with hardly a word more."""
    said, wanted = (" ".join(words(fold(text))) for text in (answer, NOT_FOUND[language]))
    return wanted in said and len(said) < 2 * len(wanted)


def _said(reply: str | Failed) -> str:
    return " ".join((reply.reason if isinstance(reply, Failed) else reply).split())
