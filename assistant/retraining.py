"""A retraining put together: approved corrections, a run on top of the promoted one, the gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.commands.retrain import RetrainResult
from retrieval.errors import BadInput
from retrieval.files import disk_errors, private_folder, write_private

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.commands.gen_dataset import DatasetResult
    from assistant.commands.promote import PromoteResult
    from assistant.commands.train import TrainResult

LEARNT = "learnt.json"
"""Beside the datasets: the corrections that the last retraining knew, as [answer, author, when it was written]."""
MOST = 1984
"""Tokens of a row: what the shortest context of the bases holds, less what a chat template adds."""
Known = tuple[int, str, float]


def approved(app: App) -> set[Known]:
    """The approved corrections there are, each as it is worded now."""
    found = app.journal.feedback(status="approved")
    return {(one.interaction_id, one.author, one.updated) for one in found if one.correction}


def fresh(app: App) -> set[Known]:
    """Those that no retraining has known."""
    return approved(app) - _learnt(app)


def retrain(app: App, stamp: str, output: Path, cases: Path | None, options: dict[str, Any]) -> RetrainResult:
    """Train on what was corrected and promote the run only if the gate finds it better.

    Raises BadInput when there is nothing to learn from, and what a training does.
    """
    before, known = fresh(app), approved(app)
    dataset = _dataset(app, app.home.data / "finetuning" / f"retrain-{stamp}.jsonl")
    training = _train(app, dataset, output, options)
    if training.state == "interrupted":
        return RetrainResult(len(before), dataset, training, None)
    _remember(app, known)
    judged = cases or _regression(app)
    app.jobs.tell(resume=["promote", training.run, *(["--cases", str(judged)] if judged else [])])
    try:
        gate = _promote(app, training.run, judged)
    except BadInput as error:  # the run stays, and nothing is promoted that nothing speaks for
        return RetrainResult(len(before), dataset, training, None, f"{error.message} {error.hint}".strip())
    return RetrainResult(len(before), dataset, training, gate)


def _dataset(app: App, path: Path) -> DatasetResult:
    """Raises BadInput when nothing is left of the corrections."""
    from assistant.commands.gen_dataset import gen_dataset

    private_folder(path.parent)
    made = gen_dataset(app, output=path, source="feedback", base_model=str(_base(app)), max_length=MOST)
    if not any(file.split == "train" for file in made.files):
        why = "; ".join(f"{reason} ({count})" for reason, count in made.drops.items())
        raise BadInput(f"No correction can be trained on: {why}.", "Mend them: dyag feedback list --status approved")
    return made


def _base(app: App) -> Path:
    """The folder of the base, whose tokenizer counts: rows that fit by an estimate may not fit at all."""
    from finetune.bases.found import find_base
    from finetune.runs.use import base_of

    promoted = app.promotions.current()
    if promoted:
        return base_of(promoted.run().whole(), app.home.path)
    return find_base(app.settings.train.base_model, app.home.path).folder


def _train(app: App, dataset: DatasetResult, output: Path, options: dict[str, Any]) -> TrainResult:
    """On top of the adapter that answers now; where none is promoted, of the base that the settings name."""
    from assistant.commands.train import TrainResult, train

    rows = next(file.path for file in dataset.files if file.split == "train")
    promoted = app.promotions.current()
    made = train(app, dataset=rows, output=output, from_run=promoted.run().id if promoted else None, **options)
    assert isinstance(made, TrainResult)  # it was not asked to check only
    return made


def _promote(app: App, run: str, cases: Path | None) -> PromoteResult:
    from assistant.commands.promote import promote

    return promote(app, run, cases=cases, note="retrained on approved corrections")


def _regression(app: App) -> Path | None:
    """Corrections that are kept for tests and never train; None: the test split of the dataset."""
    path = app.home.data / "finetuning" / "regression.jsonl"
    return path if path.is_file() and path.stat().st_size else None


def _learnt(app: App) -> set[Known]:
    """A list that is torn is only a list: then all corrections are new."""
    try:
        found = json.loads((app.home.data / "finetuning" / LEARNT).read_bytes())
        return {(int(number), str(author), float(when)) for number, author, when in found}
    except (OSError, ValueError, TypeError, RecursionError):
        return set()


def _remember(app: App, known: set[Known]) -> None:
    path = app.home.data / "finetuning" / LEARNT
    with disk_errors(path):
        write_private(path, json.dumps(sorted(known)).encode())
