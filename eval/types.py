"""The vocabulary of evaluation: a *case* is asked, a *response* is what came, and *scores* say how good it was.

A score is a number, or None where the case does not ask for it: unscored is counted, and never zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from retrieval.types import Language, Message

GENERAL = "general."
"""How the type of a case of a general suite begins."""


@dataclass(frozen=True)
class Case:
    """A question with what is known of its answer."""

    id: str
    question: str
    answers: tuple[str, ...] = ()
    """Values of which any one is right; empty when none is known."""
    every: bool = False
    """Whether an answer must hold all of `answers`, not any one (the values of a list)."""
    expected: str = ""
    """A whole reference answer, for the metrics that compare texts; empty when none is known."""
    answerable: bool = True
    language: Language = "fr"
    type: str = ""
    """Kind of question (`category` of the guides)."""
    difficulty: str = ""
    gold: tuple[str, ...] = ()
    """Chunks or documents that hold the answer, by any name they have: `chunk_12`, an external id, a path."""
    split: str = ""
    group: str = ""
    """The document it is about: cases of one group are alike, and are drawn together."""
    messages: tuple[Message, ...] = ()
    """Exactly what to send, where the case brings its own context; empty to answer as usual."""


@dataclass(frozen=True)
class Cited:
    """A chunk that an answer cites."""

    names: tuple[str, ...]
    """Every name it goes by: `chunk_12`, its external id, its path."""
    supported: bool


@dataclass(frozen=True)
class Response:
    """What came for a case."""

    text: str
    refused: bool = False
    cited: tuple[Cited, ...] = ()
    phantom: int = 0
    """Ids cited that were not shown."""
    retrieved: tuple[tuple[str, ...], ...] = ()
    """The passages, best first, each with every name it goes by; empty where nothing was searched."""
    sentences: int = 0
    """Sentences of the answer that should be proved by a citation."""
    seconds: float = 0.0
    first_token_seconds: float | None = None
    prompt_tokens: int | None = None
    tokens: int | None = None
    """Of the answer."""
    cost: float | None = None
    """US dollars; None where no price is known."""
    stopped: bool | None = None
    """Whether the model ended by itself, not at max_tokens; None where that is not known."""
    error: str = ""
    """Why there is no answer; empty for one that came."""


Answerer = Callable[[Case], Response]
"""What is measured. Raises UserError for a case it cannot answer."""
Scores = Mapping[str, float | None]


@dataclass(frozen=True)
class Scored:
    """A case with its response and scores."""

    case: Case
    response: Response
    scores: Scores


@dataclass(frozen=True)
class Identity:
    """Everything that was measured, so that two evaluations can be told apart or reproduced."""

    id: str
    """`eval_YYYYMMDD_HHMMSS_xxxx`."""
    created: str
    mode: str
    model: str
    """The generator's name, `run:ID` for a run."""
    cases: str
    """Path of the cases, as it was given."""
    cases_sha256: str
    """Of the cases as they were read, whatever file they came in."""
    count: int
    generation: str = ""
    """Of the index."""
    model_sha256: str = ""
    """Of the run's manifest, or of the weights; empty where the model is a name on a server."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    """The command that reproduces it."""
    made_for: str = ""
    """The command that made it on its way, such as `dyag promote RUN`; empty for an evaluation of its own."""


@dataclass(frozen=True)
class Evaluation:
    """One thing measured on one set of cases."""

    identity: Identity
    scored: tuple[Scored, ...]
    stated: Mapping[str, float | None] = field(default_factory=dict)
    """Metrics of a file that says nothing else, by the guides' names; empty for an evaluation of ours."""
