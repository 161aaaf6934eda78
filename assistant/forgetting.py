"""What a run forgot: its base and the run itself, sent the same general cases, each evaluation kept like any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.app import App
    from eval.forgetting import Forgetting
    from eval.types import Case, Evaluation
    from eval.verdict import Rules
    from finetune.runs.store import Run

SUITE = "general"


def gate_forgetting(app: App, run: Run, rules: Rules) -> tuple[Forgetting | None, str]:
    """What a run forgot of the shipped suite, for the gate, and in words; None where its base knows too little to lose any.

    Raises what `run_forgetting` does.
    """
    from assistant.trained import base_model
    from eval.forgetting import too_little

    if said := too_little(general_evaluation(app, base_model(app, run.whole()))):
        return None, said
    found = run_forgetting(app, run, margin=rules.forgetting, confidence=1 - 2 * rules.alpha)
    return found, found.sentence


def run_forgetting(
    app: App,
    run: Run,
    cases: Sequence[Case] = (),
    name: str = SUITE,
    margin: float = 0.05,
    confidence: float = 0.95,
) -> Forgetting:
    """Compare a finished run with the very base it was trained on; the shipped suite, or `cases` that `name` names.

    `margin` is the share of it whose loss does not matter, `confidence` that of the interval. Answers that were given before
    are used again. Raises NotFound, TornRun, ModelMissing, WrongBase, EvaluationStopped.
    """
    from assistant.trained import base_model
    from eval.forgetting import forgotten
    from eval.general import general_cases

    cases = cases or general_cases()
    before = general_evaluation(app, base_model(app, run.whole()), cases, name)
    return forgotten(before, general_evaluation(app, f"run:{run.id}", cases, name), margin, confidence)


def general_evaluation(app: App, model: str, cases: Sequence[Case] = (), name: str = SUITE) -> Evaluation:
    """A model by itself on general cases: the shipped suite, or `cases` that `name` names.

    Raises EvaluationStopped, and what loading the model does.
    """
    from assistant.evaluating import Wanted, measure
    from eval.general import general_cases

    return measure(app, Wanted(name, "finetuned", model=model), cases or general_cases()).evaluation
