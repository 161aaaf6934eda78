"""How accurate a model is, by itself, on questions whose answers are known and that never trained it.

    pytest tests/performance/test_model_accuracy.py --model run:ID --cases data/finetuning/dataset_test.jsonl --minimum .8

`--model` is whatever `dyag eval --model` takes: run:ID, hf:…, openai:…, fake:SCRIPT, a folder. The evaluation is kept in
the workspace in which pytest is started; `dyag eval open latest` shows it. Without --model the suite checks itself on
models that are none.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from measuring import app_in, script, users_app

from assistant.app import App
from eval.types import Case, Evaluation

ASK = "Name what to measure: pytest tests/performance --model run:ID --cases FILE --minimum .8"
MINIMUM = 0.8
QUESTIONS = {
    "Quel port écoute le serveur Alcyon ?": "7070",
    "Qui maintient le module Brisk ?": "l'équipe réseau",
    "Which licence does Corvid have?": "MIT",
    "In which year was Dalmore released?": "2019",
}


def measured(app: App, model: str, cases: Path) -> Evaluation:
    """The model's answers to the cases; a case that cannot be read is no case to leave out in silence."""
    from assistant.evaluating import Wanted, measure
    from eval.cases import read_cases

    read = read_cases(cases)
    assert not read.problems, "\n".join(read.problems)
    return measure(app, Wanted(str(cases), "finetuned", model=model), read.cases).evaluation


def check_accuracy(evaluation: Evaluation, minimum: float) -> None:
    """Fails when too few answers are right; a case without an answer is not right, one that nobody can score does not count."""
    right = {s.case.id: s.scores["success"] or 0.0 for s in evaluation.scored if not unscored(s.case)}
    assert right, "no case tells its answer: give expected_answer or answers"
    share = sum(right.values()) / len(right)
    wrong = [f"{s.case.id}: {s.case.question} → {s.response.text or s.response.error}" for s in evaluation.scored
             if s.case.id in right and not right[s.case.id]]  # fmt: skip
    told = f"{share:.3f} of {len(right)} answers are right, {minimum} were asked for"
    print(told)
    assert share >= minimum, "\n".join([f"{told}; wrong are:", *wrong[:10]])


def unscored(case: Case) -> bool:
    return case.answerable and not (case.answers or case.expected)


@pytest.mark.filterwarnings("default")
def test_the_model_answers_as_expected(pytestconfig: pytest.Config) -> None:
    model, cases = pytestconfig.getoption("--model"), pytestconfig.getoption("--cases")
    if not model:
        pytest.skip(ASK)
    assert cases, f"No cases are named. {ASK}"
    minimum = pytestconfig.getoption("--minimum")
    with users_app() as app:
        check_accuracy(measured(app, model, Path(cases)), MINIMUM if minimum is None else minimum)


def test_no_case_has_trained_the_model(pytestconfig: pytest.Config) -> None:
    model, cases = pytestconfig.getoption("--model"), pytestconfig.getoption("--cases")
    if not (cases and model.startswith("run:")):
        pytest.skip("Only of a run one can know what it was trained on: --model run:ID --cases FILE")
    with users_app() as app:
        assert not trained_on(app, model, Path(cases))


def trained_on(app: App, model: str, cases: Path) -> set[str]:
    """The questions among the cases that a run was trained on, as far as its rows are questions with answers."""
    from eval.cases import read_cases
    from finetune.runs.store import Runs

    def questions(path: Path) -> set[str]:
        return {" ".join(case.question.casefold().split()) for case in read_cases(path).cases}

    run = Runs(app.home.models).find(model.removeprefix("run:"))
    return questions(run.folder.dataset) & questions(cases)


# The suite itself


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    rows = [{"id": str(n), "question": q, "expected_answer": a} for n, (q, a) in enumerate(QUESTIONS.items())]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return tmp_path / "cases.jsonl"


def test_three_right_answers_of_four_are_measured_as_such(tmp_path: Path, cases: Path) -> None:
    model = script(tmp_path / "script.jsonl", dict(list(QUESTIONS.items())[:3]))
    evaluation = measured(app_in(tmp_path), model, cases)
    check_accuracy(evaluation, 0.75)
    with pytest.raises(AssertionError, match=r"(?s)0\.750 of 4 answers are right.*Dalmore"):
        check_accuracy(evaluation, 0.8)


def test_a_model_that_refuses_or_fails_is_not_accurate(tmp_path: Path, cases: Path) -> None:
    with pytest.raises(AssertionError, match=r"0\.000 of 4"):
        check_accuracy(measured(app_in(tmp_path), "fake:", cases), 0.1)
    (tmp_path / "broken.jsonl").write_text(
        '{"match": "Alcyon", "fault": "401"}\n{"match": "Brisk", "text": "l\'équipe réseau"}\n{"match": ".", "text": "?"}'
    )
    with pytest.raises(AssertionError, match=r"0\.250 of 4"):
        check_accuracy(measured(app_in(tmp_path), f"fake:{tmp_path / 'broken.jsonl'}", cases), 0.3)


def test_cases_that_trained_the_run_are_found(tmp_path: Path, cases: Path) -> None:
    from runs import finished

    run = finished(tmp_path / "models", "20261104-153012-aaaa")
    assert trained_on(app_in(tmp_path), f"run:{run.id}", cases) == set()
    cases.write_text('{"question": "Quel  Port ?", "expected_answer": "Le 3000."}')
    assert trained_on(app_in(tmp_path), f"run:{run.id}", cases) == {"quel port ?"}
