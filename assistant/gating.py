"""The gate before a promotion: a run against what answers now, on cases that it never learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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


def judge(app: App, run: Run, over: str, cases: Path | None = None, limit: int = 0, task: str = "") -> Judged:
    """Whether a finished run may answer in the place of what does now (`over`; empty: its base): both asked the same cases.

    With a `task` that is the model of the task, else the promoted run. `cases` are the unseen test split of its dataset unless
    others are named. How fast it is and what it forgot are only measured where nothing else stops it. Raises NotFound, BadInput,
    TornRun, ModelMissing, WrongBase, EvaluationStopped.
    """
    from assistant.evaluating import SEED
    from assistant.forgetting import gate_forgetting
    from assistant.timing import timed
    from eval.cases import read_cases
    from eval.gate import verdict
    from eval.verdict import Rules

    manifest = run.whole()
    path = cases.expanduser() if cases else test_split(app, manifest)
    read = read_cases(path, limit)
    rules = Rules()
    check_enough(path, read.cases, rules.min_documents)
    check_unseen(app, run, path, read.cases, whole_documents=cases is None)
    other, named = _before(app, manifest, over, task)
    app.screen.note(f"{run.id} against {named}, on {len(read.cases)} cases of {path}.")
    _tell_of_tries(app, run, read.cases)
    before, after = (_evaluation(app, model, path, limit, read.cases) for model in (other, f"run:{run.id}"))
    check_index(app, after)
    found = verdict(before, after, replace(rules, latency=0))
    if not found.promote:
        told = "What it forgot and how fast it answers were not measured: it is refused without that."
        return Judged(found, path, named, told)
    times = timed(app, after.identity.mode, other, f"run:{run.id}", read.cases, SEED)
    app.screen.note("What it forgot: the general suite, its base and itself.")
    forgotten, told = gate_forgetting(app, run, rules)
    return Judged(verdict(before, after, rules, forgotten, times), path, named, told)


def _before(app: App, manifest: Manifest, over: str, task: str) -> tuple[str, str]:
    """The model that answers now, and what it is called; where there is none, the base as it came."""
    from assistant.named_models import model_named
    from assistant.trained import base_model

    if not over:
        return base_model(app, manifest), f"{manifest.base.name}, as it came"
    return (model_named(app.settings, task), f"{task} ({over})") if task else (f"run:{over}", over)


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


def check_unseen(app: App, run: Run, path: Path, cases: Sequence[Case], *, whole_documents: bool) -> None:
    """Raises BadInput when a case asks what the run, or one it went on from, was trained to answer.

    So it does with `whole_documents` when one is about a document that they were trained on; else that is noted.
    """
    from finetune.formats.digests import plain

    learnt, documents = _learnt(app, run)
    known = [case.id for case in cases if plain(case.question) in learnt or plain(_asked(case)) in learnt]
    if known:
        message = f"{len(known)} of {len(cases)} cases of {path} ask what the run was trained on, {known[0]} for one."
        raise BadInput(message, "Name cases that it never learnt from with --cases.")
    near = [case.id for case in cases if case.group in documents]
    about = f"{len(near)} of {len(cases)} cases of {path} are about documents that the run was trained on"
    if near and whole_documents:
        hint = "The dataset was made again since, with another split. Train on it, or name cases with --cases."
        raise BadInput(f"{about}, {near[0]} for one.", hint)
    if near:
        app.screen.note(f"{about}: what it shows there may be memory.")


def _learnt(app: App, run: Run) -> tuple[set[str], set[str]]:
    """(questions, documents) of the rows that a run and those it went on from were trained on; a parent gone is noted."""
    from assistant.lineage import ancestors
    from finetune.formats.contexts import without_documents
    from finetune.formats.digests import plain
    from finetune.formats.problems import Problem
    from finetune.formats.read import read

    questions, documents = set[str](), set[str]()
    for one in ancestors(app, run):
        for row in (found for found in read(one.folder.dataset) if not isinstance(found, Problem)):
            questions |= {plain(without_documents(m.content)) for m in row.prompt if m.role == "user"}
            documents |= set(row.documents)
    if one.manifest is not None and one.manifest.parent:
        app.screen.note(
            f"The run {one.manifest.parent}, which it went on from, is gone: what that one learnt is not known."
        )
    return questions, documents


def check_index(app: App, after: Evaluation) -> None:
    """Raises BadInput when the index was changed while its questions were asked."""
    known = after.identity.generation
    if known and app.searcher.generation().manifest.name != known:
        hint = "Promote again: both are asked anew, with the index as it is now."
        raise BadInput("The index was changed while the questions were asked.", hint)


def _tell_of_tries(app: App, run: Run, cases: Sequence[Case]) -> None:
    """Note how many runs these cases have judged before: each try has its own chance to be lucky."""
    from eval.cases import identity_of
    from finetune.runs.store import Runs

    same = identity_of(cases)
    others = [other.manifest for other in Runs(app.home.models).all() if other.manifest and other.id != run.id]
    if tried := sum((known.verdict or {}).get("cases_sha256") == same for known in others):
        many = "another run" if tried == 1 else f"{tried} other runs"
        hint = "each try may be lucky once in twenty, so new cases are worth more than another try"
        app.screen.note(f"These cases have judged {many} before: {hint}.")


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
