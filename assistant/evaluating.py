"""`dyag eval` put together: what is asked, by whom, where it is kept, and what came of it."""

from __future__ import annotations

import errno
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.evaluations import Evaluations, Kept
from assistant.jobs.stop import asked_to_stop, interrupt
from eval.types import Case, Evaluation, Identity
from retrieval.errors import BadInput
from retrieval.files import disk_errors, no_access, probe
from retrieval.types import Message

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.evaluation import Measured
    from assistant.screen import Progress, Screen
    from eval.comparison import Comparison
    from eval.judge import Labels

SEED = 42
WORKERS = 4
JUDGE_TOKENS = 256


@dataclass(frozen=True)
class Wanted:
    """What is to be measured."""

    cases: str
    """Where the cases are from, as it was given."""
    mode: str
    model: str = ""
    """Empty: what the mode is set to."""
    base_model: str = ""
    limit: int = 0
    workers: int = WORKERS
    seed: int = SEED
    judge: str = ""
    bert_score: bool = False
    resume: bool = True
    """Go on with an evaluation of the same that was stopped."""
    reuse: bool = True
    """Use answers of other evaluations in which nothing differs that decides an answer."""
    promoted: bool = False
    """The model is the promoted one, whichever that is."""


@dataclass(frozen=True)
class Done:
    """An evaluation that was kept."""

    kept: Kept
    evaluation: Evaluation
    reused: int
    """Answers that were there already."""


def evaluations(app: App) -> Evaluations:
    """Those of the workspace."""
    return Evaluations(app.home.data / "evaluations")


@contextmanager
def on_its_way(app: App, words: Sequence[str], options: Mapping[str, object]) -> Iterator[None]:
    """What is evaluated within is part of this command, which goes on with it when it is stopped."""
    from assistant.identity import command_line

    app.on_its_way = command_line(app, words, options)
    try:
        yield
    finally:
        app.on_its_way = ""


def check_output(path: Path) -> None:
    """Before anything is asked: whether a file can be written there. Raises BadInput, NoAccess, NoSpace."""
    try:
        if path.is_dir():
            raise BadInput(f"{path} is a folder.", "Name a file in it with --output.")
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not os.access(path.parent, os.W_OK):
                raise no_access(path.parent, os.strerror(errno.EACCES))
            probe(path.parent)
    except OSError as error:  # below /proc, where nothing can be made; a name that is too long
        raise BadInput(f"{path} cannot be written: {error.strerror}.", "Name another file with --output.") from error


def measure(app: App, wanted: Wanted, cases: Sequence[Case], output: Path | None = None) -> Done:
    """Ask every case and keep everything in `data/evaluations`. Ctrl-C and SIGTERM stop it; the same call goes on.

    Raises BadInput, EvaluationStopped, NoSpace, NoAccess, what `measured` does, KeyboardInterrupt.
    """
    from assistant.evaluation import chat_model, full_name, measured
    from assistant.identity import answer_key
    from eval.judge import check_judge
    from eval.metrics.bert import check_installed, with_bert_scores
    from eval.run import evaluate
    from eval.store import write_evaluation

    if not cases:
        raise BadInput(f"{wanted.cases} holds no case.", "Give cases of one JSON object a line, with `question`.")
    asked = measured(app, wanted.mode, wanted.model, wanted.base_model, wanted.workers, wanted.seed)
    if wanted.bert_score:
        check_installed()
    if wanted.judge:
        check_judge(full_name(chat_model(app, wanted.judge).name, wanted.judge), asked.model)
    identity = _identity(app, wanted, asked, cases)
    store = evaluations(app)
    key = answer_key(identity)
    earlier = [kept.log for kept in store.all()] if wanted.reuse else []
    working = store.working(identity, key, resume=wanted.resume)
    with closing(asked), asked_to_stop(interrupt), working as kept:
        bar = _Bar(app.screen, "Evaluating", app.on_its_way or resumed(app, wanted, output))
        with bar:
            app.screen.waiting(f"loading {asked.model} …")
            asked.warm()
            app.embedder.embed(["warm up"])  # what it lacks is said before anything is asked
            scored = evaluate(
                cases, asked.answer, kept.log, asked.workers, bar, app.embedder.embed,
                identity=key, earlier=[log for log in earlier if log != kept.log], tell=app.screen.note,
            )  # fmt: skip
        if wanted.bert_score:
            app.screen.waiting("BERTScore …")
            scored = with_bert_scores(scored)
        evaluation = Evaluation(kept.identity, scored)
        if wanted.judge:
            evaluation = _judged(app, evaluation, wanted.judge, store.folder)
        if output is not None:
            write_evaluation(evaluation, output)
        kept.write(evaluation)
    return Done(kept, evaluation, bar.before)


def drift(app: App, evaluation: Evaluation) -> Comparison | None:
    """What changed since the same model and mode were measured on the same cases before; None where they never were."""
    from eval.compare import compare

    before = last_of_same(app, evaluation.identity)
    return compare([before.read(), evaluation]) if before else None


def last_of_same(app: App, identity: Identity) -> Kept | None:
    """The evaluation before this one that measured the same model and mode on the same cases."""
    same = ("mode", "model", "cases_sha256")
    return next(
        (
            kept
            for kept in evaluations(app).all()
            if kept.done
            and kept.identity.id != identity.id
            and all(getattr(kept.identity, name) == getattr(identity, name) for name in same)
        ),
        None,
    )


def _identity(app: App, wanted: Wanted, asked: Measured, cases: Sequence[Case]) -> Identity:
    """Without the id, which its folder gives it."""
    from assistant.identity import settings_of, versions_of
    from eval.cases import identity_of

    return Identity(
        id="",
        created="",
        mode=asked.mode,
        model=asked.model,
        cases=wanted.cases,
        cases_sha256=identity_of(cases),
        count=len(cases),
        generation="" if _is_alone(wanted, cases) else asked.generation,
        model_sha256=asked.model_sha256,
        settings=settings_of(app, wanted.seed),
        versions=versions_of(local=bool(asked.model_sha256)),
        command=_command(app, wanted),
        made_for=app.on_its_way,
    )


def _is_alone(wanted: Wanted, cases: Sequence[Case]) -> bool:
    """Whether the model is sent the cases as they are, and the index has no part in any answer."""
    return wanted.mode == "finetuned" and all(case.messages for case in cases)


def resumed(app: App, wanted: Wanted, output: Path | None) -> str:
    """The command line that goes on with an evaluation that was stopped."""
    return f"{_command(app, wanted)}{f' --output {shlex.quote(str(output))}' if output else ''}"


def _command(app: App, wanted: Wanted) -> str:
    from assistant.identity import command_line

    changed = {
        "--mode": wanted.mode,
        "--model": wanted.model,
        "--base-model": wanted.base_model,
        "--limit": wanted.limit,
        "--seed": wanted.seed if wanted.seed != SEED else "",
        "--judge": wanted.judge,
    }
    flags = {"--promoted": wanted.promoted, "--bert-score": wanted.bert_score}
    words = ["eval", wanted.cases, *(flag for flag, given in flags.items() if given)]
    return command_line(app, words, changed)


def _judged(app: App, evaluation: Evaluation, name: str, folder: Path) -> Evaluation:
    """With the scores of a judge, and in the identity how far it can be trusted."""
    from assistant.evaluation import chat_model
    from assistant.generators.base import Cut, Options
    from assistant.generators.models.steady import steady
    from eval.judge import judge

    model = chat_model(app, name)
    options = Options(0.0, JUDGE_TOKENS, app.settings.model.timeout, SEED)

    def ask(messages: Sequence[Message]) -> str:
        return "".join(piece for piece in steady(model, messages, options) if not isinstance(piece, Cut))

    with closing(model), _Bar(app.screen, "Judging", evaluation.identity.command) as bar:
        scored, agreement = judge(
            evaluation.scored, ask, name, evaluation.identity.model, folder / "judged.jsonl", _labels(app), bar
        )
    settings = {**evaluation.identity.settings, "judge": asdict(agreement)}
    return Evaluation(replace(evaluation.identity, settings=settings), scored)


def _labels(app: App) -> Labels:
    """What people say of answers: those that somebody rated bad are bad, whoever else liked them."""
    found: dict[tuple[str, str], bool] = {}
    for said in app.journal.feedback():
        if said.rating:
            turn = app.journal.interaction(said.interaction_id)
            key = turn.question, turn.answer
            found[key] = found.get(key, True) and said.rating == "good"
    return found


class _Bar:
    """Progress; of an evaluation that is stopped it says what is kept and how to go on."""

    def __init__(self, screen: Screen, label: str, resume: str) -> None:
        self._screen, self._label, self._resume = screen, label, resume
        self._open = ExitStack()
        self._bar: Progress | None = None
        self.before = self._done = self._total = 0

    def __call__(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        if done == total and self._bar is None:  # nothing is left to ask
            self.before = done
            return
        if self._bar is None:
            self._bar = self._open.enter_context(self._screen.progress(total, self._label))
            self._bar.start_at(done)
            self.before = done
        self._bar.advance(done - self._bar.done)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._open.close()
        if kind is not None and self._total:
            far = f"Stopped after {self._done} of {self._total} cases; what was answered is kept."
            self._screen.note(f"{far} Go on with: {self._resume}")
