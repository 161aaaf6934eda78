"""The gate before a promotion: a run against what answers now, on cases that it never learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import BadInput, NotFound

if TYPE_CHECKING:
    from assistant.app import App
    from eval.types import Case, Evaluation
    from eval.verdict import Verdict
    from finetune.runs.manifest import Manifest
    from finetune.runs.store import Run


@dataclass(frozen=True)
class Judged:
    """A verdict with what it rests on."""

    verdict: Verdict
    cases: Path
    before: str
    """What it was compared with: the promoted run, or the base as it came."""
    forgetting: str
    """In words."""

    def kept(self) -> dict[str, Any]:
        """As the manifest of the run holds it."""
        told = {"cases": str(self.cases), "compared_with": self.before, "forgetting": self.forgetting}
        return {**asdict(self.verdict), **told}


def judge(app: App, run: Run, cases: Path | None = None, limit: int = 0, task: str = "") -> Judged:
    """Whether a finished run may answer in the place of what does now: both asked the same cases.

    With a `task` that is the model it has by now, else the promoted one. `cases` are the unseen test split of its dataset
    unless others are named. Raises NotFound, BadInput, TornRun, ModelMissing, WrongBase, EvaluationStopped.
    """
    from assistant.forgetting import run_forgetting
    from eval.cases import read_cases
    from eval.gate import verdict
    from eval.verdict import Rules

    manifest = run.whole()
    path = cases.expanduser() if cases else test_split(app, manifest)
    read = read_cases(path, limit)
    rules = Rules()
    check_enough(path, read.cases, rules.min_documents)
    check_unseen(run, path, read.cases)
    other, named = _before(app, manifest, task)
    app.screen.note(f"{run.id} against {named}, on {len(read.cases)} cases of {path}.")
    before, after = (_evaluation(app, model, path, limit, read.cases) for model in (other, f"run:{run.id}"))
    app.screen.note("What it forgot: the general suite, its base and itself.")
    forgotten = run_forgetting(app, run, margin=rules.forgetting)
    return Judged(verdict(before, after, rules, forgotten), path, named, forgotten.sentence)


def _before(app: App, manifest: Manifest, task: str) -> tuple[str, str]:
    """The model that answers now, and what it is called; where there is none, the base as it came."""
    from assistant.named_models import model_named
    from assistant.trained import base_model

    if task and task in app.settings.models:
        return model_named(app.settings, task), f"{task} ({app.settings.models[task]})"
    promoted = None if task else app.promotions.current()
    if promoted:
        return f"run:{promoted.id}", promoted.id
    return base_model(app, manifest), f"{manifest.base.name}, as it came"


def test_split(app: App, manifest: Manifest) -> Path:
    """The rows of unseen documents that were made beside those it was trained on. Raises NotFound."""
    from finetune.formats.splits import held_out, split_of

    trained = app.home.path / manifest.dataset.path
    found = next((path for path in held_out(trained) if split_of(path) == "test"), None)
    if found is None:
        hint = "Name cases with --cases, or promote it without the gate: --force --note WHY."
        raise NotFound(f"There is no test file beside {trained}, on which the run could show that it is better.", hint)
    return found


def check_enough(path: Path, cases: Sequence[Case], documents: int) -> None:
    """Raises BadInput when the cases are about too few documents for any verdict: nothing is asked in vain."""
    about = {case.group or case.id for case in cases}
    if len(about) < documents:
        message = f"The {len(cases)} cases of {path} are about {len(about)} documents: under {documents} nothing can be decided."
        hint = "Make more (`dyag gen-dataset --count …`), name others with --cases, or go round the gate: --force --note WHY."
        raise BadInput(message, hint)


def check_unseen(run: Run, path: Path, cases: Sequence[Case]) -> None:
    """Raises BadInput when a case asks what the run was trained to answer."""
    from finetune.formats.contexts import without_documents
    from finetune.formats.digests import plain
    from finetune.formats.problems import Problem
    from finetune.formats.read import read

    rows = (found for found in read(run.folder.dataset) if not isinstance(found, Problem))
    learnt = {plain(without_documents(m.content)) for row in rows for m in row.prompt if m.role == "user"}
    known = [case.id for case in cases if plain(case.question) in learnt or plain(_asked(case)) in learnt]
    if known:
        message = f"{len(known)} of {len(cases)} cases of {path} ask what the run was trained on, {known[0]} for one."
        raise BadInput(message, "Name cases that it never learnt from with --cases.")


def _asked(case: Case) -> str:
    from finetune.formats.contexts import without_documents

    return without_documents(next((m.content for m in reversed(case.messages) if m.role == "user"), case.question))


def _evaluation(app: App, model: str, path: Path, limit: int, cases: Sequence[Case]) -> Evaluation:
    """With a search where there is an index; a case that brings its documents is asked with those."""
    from assistant.evaluating import Wanted, measure

    mode = "hybrid" if app.home.library.is_file() else "finetuned"
    return measure(app, Wanted(str(path), mode, model=model, limit=limit), cases).evaluation


def said(kept: Mapping[str, Any] | None) -> str:
    """A verdict in one word, as lists show it; empty where there is none."""
    return "" if not kept else "passed" if kept.get("promote") else "refused"
