"""Whether a model can still do what any model can: sums, instructions, formats, reading, common knowledge, refusals.

    pytest tests/regression/test_model_regression.py --model run:ID
    pytest tests/regression --model openai:ft:… --base openai:… --suite general:suites/ --minimum .5

A run is compared with the base it was trained on, another model with --base. The evaluations are kept in the workspace in
which pytest is started. Without --model the suite checks itself on models that are none.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from measuring import app_in, script, users_app

from assistant.app import App
from assistant.forgetting import general_evaluation, run_forgetting
from eval.forgetting import Forgetting, forgotten
from eval.general import general_cases, general_scores, suite_named
from eval.types import Case, Evaluation

ASK = "Name what to measure: pytest tests/regression --model run:ID"
MOST_LOSS = math.log(2)
"""Nats by which the loss per token may rise on texts that no training saw: each is then half as likely."""


def check_share(evaluation: Evaluation, minimum: float) -> None:
    """Fails when too little of the suite is right; a case without an answer is not."""
    scores = general_scores(evaluation.scored)
    share = sum(score or 0.0 for score in scores.values()) / len(scores)
    print(f"{share:.3f} of {len(scores)} general cases are right")
    assert share >= minimum, f"{share:.3f} of {len(scores)} general cases are right, {minimum} were asked for"


def check_forgetting(found: Forgetting) -> None:
    """Fails on a loss beyond chance; where none could be seen, nothing was measured, and that is said."""
    print(found.sentence)
    assert found.finding != "forgotten", f"{found.sentence} Lost: {', '.join(found.lost[:20])}"
    if found.finding != "kept":
        pytest.skip(found.sentence)


def named(config: pytest.Config) -> tuple[str, str, tuple[Case, ...]]:
    """(model, suite, its cases); skips where no model is named."""
    if not config.getoption("--model"):
        pytest.skip(ASK)
    suite = config.getoption("--suite")
    cases = suite_named(suite)
    assert cases, f"--suite {suite}: write general, or general:PATH"
    return config.getoption("--model"), suite, cases


@pytest.mark.filterwarnings("default")
def test_the_model_forgot_nothing(pytestconfig: pytest.Config) -> None:
    model, suite, cases = named(pytestconfig)
    base = pytestconfig.getoption("--base")
    if not (base or model.startswith("run:")):
        pytest.skip("Name the model before its training: --base")
    with users_app() as app:
        check_forgetting(compared(app, model, base, cases, suite))


@pytest.mark.filterwarnings("default")
def test_the_model_can_do_enough(pytestconfig: pytest.Config) -> None:
    minimum = pytestconfig.getoption("--minimum")
    model, suite, cases = named(pytestconfig)
    if minimum is None:
        pytest.skip("Name the share of the suite that must be right: --minimum .5")
    with users_app() as app:
        check_share(general_evaluation(app, model, cases, suite), minimum)


@pytest.mark.filterwarnings("default")
def test_the_model_still_finds_plain_texts_likely(pytestconfig: pytest.Config) -> None:
    model = pytestconfig.getoption("--model")
    if not model.startswith("run:"):
        pytest.skip(f"The loss on held-out texts is measured of a run. {ASK}")
    from assistant.held_out import held_out_change
    from finetune.runs.store import Runs

    with users_app() as app:
        change = held_out_change(app, Runs(app.home.models).find(model.removeprefix("run:"), among=("done",)))
    print(change.sentence)
    assert change.after - change.before <= MOST_LOSS, change.sentence


def compared(app: App, model: str, base: str, cases: tuple[Case, ...], suite: str = "general") -> Forgetting:
    """The model with `base`, or a run with its own."""
    from finetune.runs.store import Runs

    if not base:
        return run_forgetting(app, Runs(app.home.models).find(model.removeprefix("run:")), cases, suite)
    before = general_evaluation(app, base, cases, suite)
    return forgotten(before, general_evaluation(app, model, cases, suite))


# The suite itself

SUITE = general_cases()[:48]


@pytest.fixture
def able(tmp_path: Path) -> str:
    """A model that can do everything."""
    return script(tmp_path / "able.jsonl", {case.question: case.expected for case in SUITE})


def test_an_able_model_passes_and_one_that_always_refuses_does_not(tmp_path: Path, able: str) -> None:
    app = app_in(tmp_path)
    check_share(general_evaluation(app, able, SUITE), 1.0)
    check_forgetting(compared(app, able, able, SUITE))
    refusing = "fake:"
    with pytest.raises(AssertionError, match=r"0\.000 of 48"):
        check_share(general_evaluation(app, refusing, SUITE), 0.01)
    with pytest.raises(AssertionError, match="Something was forgotten"):
        check_forgetting(compared(app, refusing, able, SUITE))


def test_a_model_that_lost_its_french_has_forgotten_and_the_cases_are_named(tmp_path: Path, able: str) -> None:
    english = {case.question: case.expected for case in SUITE if case.language == "en"}
    lost = script(tmp_path / "english.jsonl", english)
    with pytest.raises(AssertionError, match=r"24 of the 48 still are.*arithmetic-fr-01"):
        check_forgetting(compared(app_in(tmp_path), lost, able, SUITE))


def test_where_the_base_could_do_nothing_nothing_is_claimed(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="too little to forget"):
        check_forgetting(compared(app_in(tmp_path), "fake:", "fake:", SUITE))


def test_a_run_is_compared_with_its_own_base(tmp_path: Path) -> None:
    from runs import trained_home

    app = app_in(trained_home(tmp_path), model_max_tokens="4", model_device="cpu")
    found = compared(app, "run:latest", "", SUITE[:12])
    assert found.finding == "nothing to forget"
    assert found.total.count == 12
    assert {one.name for one in found.languages} == {"fr", "en"}
