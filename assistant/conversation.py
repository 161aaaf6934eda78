"""The conversation a chat is having: its turns, its session in the journal, what is asked next."""

from __future__ import annotations

import getpass
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from assistant.generators.base import Turn
from retrieval.errors import NotFound, UserError
from retrieval.types import Answer

if TYPE_CHECKING:
    from assistant.answer import Events
    from assistant.app import App
    from assistant.journal.values import Interaction
    from assistant.settings import Settings


SECRET = re.compile(r"\b\w+\.\w*(?:key|token|secret|password)\b|://[^/?#\s]*@", re.IGNORECASE)
KEPT = 20
"""Turns that are kept in memory, and may be leaned on."""


@dataclass(frozen=True)
class Exchange:
    """One turn of this conversation."""

    number: int | None
    """Its interaction in the journal; None when it could not be written."""
    answer: Answer


@dataclass
class Conversation:
    """Turns since `/new` or `/resume`, oldest first."""

    app: App
    session: int | None = None
    """In the journal; None before the first turn."""
    title: str = ""
    numbered: bool = False
    """Whether answers are shown with their number."""
    exchanges: deque[Exchange] = field(default_factory=lambda: deque(maxlen=KEPT))
    """The last ones; the journal has them all."""
    _typed: list[str] = field(default_factory=list)
    _told: bool = False
    """That the journal cannot be written."""

    def ask(self, question: str) -> Events:
        """Answer a question with what was said before in mind; `keep` records the answer."""
        return self.app.answerer.answer(
            question, self.app.settings.search.top_k, language=self.app.language(), turns=self.turns()
        )

    def turns(self) -> Sequence[Turn]:
        """What a question may lean on; not what another process has forgotten meanwhile, which would be kept again."""
        self._drop_forgotten()
        return [turn_of(exchange.answer) for exchange in self.exchanges]

    def _drop_forgotten(self) -> None:
        numbers = [e.number for e in self.exchanges if e.number is not None]
        try:
            there = self.app.journal.there(numbers) if numbers else set()
        except UserError:  # said when the turn is written
            return
        kept = [e for e in self.exchanges if e.number is None or e.number in there]
        if len(kept) < len(self.exchanges):
            self.exchanges.clear()
            self.exchanges.extend(kept)

    def keep(self, answer: Answer) -> int | None:
        """Write an answer to the journal and return its number; a turn that cannot be written is said and goes on."""
        number: int | None = None
        try:
            number = self.app.journal.record(self._begun(), answer, used(self.app.settings), self.author)
        except UserError as error:
            self._tell(error)
        self.exchanges.append(Exchange(number, answer))
        return number

    def remember(self, line: str) -> None:
        """Take a line that was typed; `keep_lines` writes it, once it is answered: nobody waits for the disk."""
        if not names_secret(line):
            self._typed.append(line)

    def keep_lines(self) -> None:
        """Write what was typed, for the history of the prompt."""
        typed, self._typed = self._typed, []
        try:
            for line in typed:
                self.app.journal.add_line(self._begun(), line)
        except UserError as error:
            self._tell(error)

    def _begun(self) -> int:
        """The session, begun when there is none."""
        if self.session is None:
            self.session = self.app.journal.new_session(self.title)
        return self.session

    def _tell(self, error: UserError) -> None:
        """Say once that the journal cannot be written; asking goes on."""
        if not self._told:
            self.app.screen.error(error.message, f"{error.hint} Until then nothing of this chat is kept.")
        self._told = True

    @property
    def author(self) -> str:
        """Who asks and rates."""
        return self.app.settings.feedback.author or _user()

    @property
    def last(self) -> Exchange:
        """The last exchange. Raises NotFound when nothing was asked yet."""
        if not self.exchanges:
            raise NotFound("There is no answer yet in this conversation.", "Ask something first.")
        return self.exchanges[-1]

    def rated(self, number: int | None) -> int:
        """The interaction a rating is for: the given one, else the last. Raises NotFound."""
        number = number if number is not None else self.last.number
        if number is None:
            raise NotFound("The last answer is not in the journal.", "See the message below that answer.")
        return self.app.journal.interaction(number).id

    def answer(self, number: int | None) -> Exchange:
        """The exchange of this number, else the last. Raises NotFound."""
        return self.last if number is None else Exchange(number, answer_of(self.app.journal.interaction(number)))

    def has(self, number: int) -> bool:
        """Whether an answer of this number belongs to this conversation."""
        try:
            return self.app.journal.interaction(number).session_id == self.session
        except NotFound:
            return False

    def new(self) -> None:
        """Begin another conversation; the session of this one stays in the journal."""
        self.session, self.title = None, ""
        self.exchanges.clear()

    def resume(self, session: int) -> None:
        """Go on with a session of the journal. Raises NotFound."""
        found = self.app.journal.session(session)
        turns = self.app.journal.turns(found.id, KEPT)
        self.session, self.title = found.id, found.title
        self.exchanges.clear()
        self.exchanges.extend(Exchange(turn.id, answer_of(turn)) for turn in turns)

    def rename(self, title: str) -> None:
        """Give the session a title; before its first turn, the title waits for it."""
        self.title = title
        if self.session is not None:
            self.app.journal.rename(self.session, title)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "user"


def names_secret(line: str) -> bool:
    """Whether a command names a secret setting, as `/set model.api_key …` does, or an address with a password."""
    return line.lstrip().startswith("/") and SECRET.search(line) is not None


def answer_of(turn: Interaction) -> Answer:
    """The answer that a turn of the journal records."""
    return Answer(**{f.name: getattr(turn, f.name) for f in fields(Answer)})


def turn_of(answer: Answer) -> Turn:
    """What later questions may lean on."""
    titles = {p.chunk_id: p.title for p in answer.passages}
    cited = dict.fromkeys(titles[c.chunk_id] for c in answer.citations if titles.get(c.chunk_id))
    return Turn(answer.question, answer.answer, answer.searched, tuple(cited), answer.refused)


def used(settings: Settings) -> Mapping[str, Any]:
    """The settings an answer depends on, for the journal; without the key."""
    search = settings.search.model_dump()
    answer = settings.answer.model_dump(exclude={"language"})
    return {"search": search, "answer": answer, "model": settings.model.model_dump(exclude={"api_key"})}
