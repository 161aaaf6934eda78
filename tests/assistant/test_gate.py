"""`dyag promote` through its gate: what is compared, what the verdict does, and what is kept of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import CHEAP, Ran, indexed_sheets, run
from evaluated import cases, evaluation, mixed, right
from runs import manifest, trained_home

from assistant import forgetting, gating
from assistant.app import App
from assistant.evaluating import Wanted, _is_alone
from assistant.timing import Times, spread
from assistant.workspace import Home
from eval.cases import identity_of, read_cases
from eval.forgetting import Forgetting, Slice
from eval.general import general_cases
from eval.types import Case, Evaluation, Response
from eval.verdict import Rules
from finetune.runs.manifest import RunData
from finetune.runs.promotion import Promotions
from finetune.runs.store import Run, Runs
from retrieval.errors import BadInput
from retrieval.files import write_private

A, B = "20261104-153012-a1f3", "20261104-153013-b2f4"
SUITE = Slice("all", 144, 0, 0, 0)
NOTHING = Forgetting("nothing to forget", SUITE, (), (), 0.0, (0.0, 0.0), 0, (), (), "There was too little to forget.")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = indexed_sheets(tmp_path_factory.mktemp("gate"), cheap=True)
    return trained_home(home, ids=(A, B), context=2048)


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    import shutil

    home = shutil.copytree(made, tmp_path / "home")
    rows = [
        {
            "id": c.id,
            "question": c.question,
            "expected_answer": c.expected,
            "answerable": c.answerable,
            "group": c.group,
        }
        for c in cases(480, 120)
    ]
    data = home / "data" / "finetuning"
    data.mkdir(parents=True)
    (data / "dataset_test.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return home


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Evaluation]:
    """Evaluations by model, in place of those that take a model."""
    found: dict[str, Evaluation] = {}

    def told(app: App, model: str, path: Path, limit: int, given: Sequence[Case]) -> Evaluation:
        return found[model.partition(":")[0] if model.startswith("hf:") else model]

    def forgot(app: App, run: Run, rules: Rules) -> tuple[Forgetting, str]:
        found["general"] = evaluation("general")
        return NOTHING, NOTHING.sentence

    def times(app: App, mode: str, before: str, after: str, given: Sequence[Case], seed: int) -> Times:
        return {case.id: (1.0, 1.0) for case in spread(given, 24)}

    monkeypatch.setattr(gating, "_evaluation", told)
    monkeypatch.setattr("assistant.timing.timed", times)
    monkeypatch.setattr(gating, "check_index", lambda app, after: None)  # theirs is of no index
    monkeypatch.setattr("assistant.forgetting.gate_forgetting", forgot)
    return found


def promote(home: Path, *argv: str) -> Ran:
    return run("promote", *argv, home=home, cheap=True)


def test_a_better_run_is_promoted_and_its_verdict_kept(home: Path, asked: dict[str, Evaluation]) -> None:
    many = cases(480, 120)
    asked |= {"hf": evaluation("base", mixed(2), many), f"run:{A}": evaluation("a", right, many)}
    ran = promote(home, A)
    assert ran.code == 0, ran
    assert f"{A} answers now" in ran.out
    assert "success: better" in ran.out
    assert "too little to forget" in ran.out
    kept = Runs(home / "models").find(A).whole().verdict
    assert kept is not None
    assert (kept["promote"], kept["compared_with"]) == (True, "base, as it came")
    shown = run("models", home=home, cheap=True).out
    assert "passed: " in shown
    assert "80 rows of dataset_train.jsonl" in shown
    assert "gate: passed" in run("runs", "show", A, home=home, cheap=True).out


def test_a_run_that_is_no_better_is_refused_and_what_answers_stays(home: Path, asked: dict[str, Evaluation]) -> None:
    many = cases(480, 120)
    asked |= {f"run:{A}": evaluation("a", right, many), f"run:{B}": evaluation("b", mixed(3), many)}
    assert promote(home, A, "--force", "--note", "the first").code == 0
    ran = promote(home, B)
    assert ran.code == 3
    assert f"{B} is not promoted. {A} stays." in ran.out
    assert "not shown to be better" in ran.out
    assert f"dyag promote {B} --force" in ran.out
    current = Promotions(home / "models").current()
    assert current is not None
    assert current.id == A
    assert gating.said(Runs(home / "models").find(B).whole().verdict) == "refused"
    told = promote(home, B, "--json").json
    assert (told["refused"], told["verdict"]["promote"]) == (B, False)


def test_what_is_refused_anyway_is_not_asked_the_general_suite(home: Path, asked: dict[str, Evaluation]) -> None:
    many = cases(480, 120)
    asked |= {"hf": evaluation("base", mixed(2), many), f"run:{A}": evaluation("a", mixed(2), many)}
    ran = promote(home, A)
    assert (ran.code, "general" in asked) == (3, False)
    assert "were not measured: it is refused without that" in " ".join(ran.out.split())


def test_a_run_that_is_slower_is_refused_whatever_the_evaluations_took(
    home: Path, asked: dict[str, Evaluation], monkeypatch: pytest.MonkeyPatch
) -> None:
    many = cases(480, 120)
    asked |= {"hf": evaluation("base", mixed(2), many), f"run:{A}": evaluation("a", right, many)}
    monkeypatch.setattr("assistant.timing.timed", lambda *_: {case.id: (1.0, 2.0) for case in many[:24]})
    ran = promote(home, A)
    assert ran.code == 3
    assert "latency: too slow, median 1.00 s before and 2.00 s after" in " ".join(ran.out.split())


def test_cases_that_have_judged_another_run_say_so(home: Path, asked: dict[str, Evaluation]) -> None:
    many = cases(480, 120)
    asked |= {"hf": evaluation("base", mixed(2), many), f"run:{A}": evaluation("a", mixed(2), many)}
    first = promote(home, A)
    store = Runs(home / "models")
    kept = store.find(A).whole().verdict
    assert kept is not None
    assert "have judged" not in first.err
    read = gating.test_split(App(Home(home, "test"), {}), store.find(A).whole())
    sha = identity_of(read_cases(read).cases)
    known = dataclasses.replace(store.find(A).whole(), verdict={**kept, "cases_sha256": sha})
    write_private(store.find(A).folder.manifest_path, known.to_json())
    asked |= {f"run:{B}": evaluation("b", mixed(2), many)}
    assert "have judged another run before" in " ".join(promote(home, B).err.split())


def test_a_run_judged_while_another_was_promoted_is_not_promoted(home: Path, asked: dict[str, Evaluation]) -> None:
    many = cases(480, 120)
    asked |= {"hf": evaluation("base", mixed(2), many), f"run:{A}": evaluation("a", right, many)}
    waiting = asked.pop("hf")

    class Slow(dict[str, Evaluation]):
        def __missing__(self, key: str) -> Evaluation:
            assert promote(home, B, "--force", "--note", "meanwhile").code == 0  # in another terminal
            return waiting

    monkey = Slow(asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gating, "_evaluation", lambda app, model, *rest: monkey[model])
        ran = promote(home, A)
    assert (ran.code, f"now it is {B}" in " ".join(ran.err.split())) == (1, True)
    current = Promotions(home / "models").current()
    assert current is not None
    assert current.id == B


def test_what_a_parent_learnt_was_learnt_too(home: Path) -> None:
    store = Runs(home / "models")
    row = {"messages": [{"role": "user", "content": "Which port?"}, {"role": "assistant", "content": "3000."}]}
    changed = store.find(B).folder
    changed.dataset.write_text(json.dumps(row) + "\n")
    known = dataclasses.replace(changed.manifest(), parent=A)
    write_private(changed.manifest_path, known.of_files(changed.path, list(known.artifacts)).to_json())
    learnt = home / "learnt.jsonl"
    asked = ("quel PORT", *(f"Quel port écoute le service {n} ?" for n in range(6)))
    learnt.write_text("".join(f"{json.dumps({'question': q, 'expected_answer': 'Le 3000.'})}\n" for q in asked))
    ran = promote(home, B, "--cases", str(learnt))
    assert (ran.code, "1 of 7 cases" in ran.err) == (1, True)


def test_a_test_file_made_again_since_is_refused_where_it_is_about_what_was_learnt(home: Path) -> None:
    run_folder = Runs(home / "models").find(A).folder
    row = {
        "messages": [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "This."}],
        "metadata": {"documents": ["doc7"]},
    }
    run_folder.dataset.write_text(json.dumps(row) + "\n")
    known = run_folder.manifest()
    write_private(run_folder.manifest_path, known.of_files(run_folder.path, list(known.artifacts)).to_json())
    ran = promote(home, A)
    assert (ran.code, "about documents that the run was trained on" in ran.err) == (1, True)
    assert "another split" in ran.err


def test_an_index_that_changed_while_the_questions_were_asked_is_said(home: Path) -> None:
    app = App(Home(home, "test"), {"index.embedder": CHEAP[1].partition("=")[2]})
    side = evaluation("a")
    live = dataclasses.replace(side.identity, generation=app.searcher.generation().manifest.name)
    gating.check_index(app, dataclasses.replace(side, identity=live))
    with pytest.raises(BadInput, match="index was changed"):
        gating.check_index(app, side)


def test_a_base_that_knows_nothing_of_the_general_suite_spares_the_run_from_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(Home(home, "test"), {})
    asked: list[str] = []

    def answered(app: App, model: str, *rest: object) -> Evaluation:
        asked.append(model)
        return evaluation("base", lambda i, case: Response("?"), general_cases())

    monkeypatch.setattr(forgetting, "general_evaluation", answered)
    found, told = forgetting.gate_forgetting(app, Runs(home / "models").find(A), Rules())
    assert found is None
    assert "too little to forget" in told
    assert [model.partition(":")[0] for model in asked] == ["hf"]


def test_general_questions_are_not_asked_again_for_another_index(home: Path) -> None:
    wanted = Wanted("general", "finetuned")
    assert _is_alone(wanted, general_cases())
    assert not _is_alone(Wanted("general", "hybrid"), general_cases())
    assert not _is_alone(wanted, cases())


def test_force_says_who_and_why(home: Path) -> None:
    ran = promote(home, A, "--force")
    assert (ran.code, "--note" in ran.err) == (2, True)
    assert promote(home, A, "--force", "--note", "the customer waits").code == 0
    (step,) = Promotions(home / "models").history()
    assert (step.forced, step.note) == (True, "the customer waits")
    assert "forced: the customer waits" in run("models", home=home, cheap=True).out


def test_without_cases_it_says_how_to_go_on(home: Path) -> None:
    (home / "data" / "finetuning" / "dataset_test.jsonl").unlink()
    ran = promote(home, A)
    assert ran.code == 1
    assert "--cases" in ran.err
    assert "--force" in ran.err


def test_cases_that_were_learnt_are_refused(home: Path) -> None:
    learnt = home / "learnt.jsonl"
    asked = ("quel PORT", *(f"Quel port écoute le service {n} ?" for n in range(6)))
    learnt.write_text("".join(f"{json.dumps({'question': q, 'expected_answer': 'Le 3000.'})}\n" for q in asked))
    ran = promote(home, A, "--cases", str(learnt))
    assert (ran.code, "1 of 7 cases" in ran.err, "ask what the run was trained on" in ran.err) == (1, True, True)


def test_too_few_documents_are_said_before_anything_is_asked(home: Path) -> None:
    few = home / "few.jsonl"
    few.write_text("".join(f"{json.dumps({'question': f'Quel port écoute le service {n} ?'})}\n" for n in range(5)))
    ran = promote(home, A, "--cases", str(few))
    assert (ran.code, "under 6 nothing can be decided" in ran.err) == (1, True)


def test_the_lineage_names_every_run_with_how_its_rows_were_made(home: Path) -> None:
    folder = Runs(home / "models").find(B).folder
    data = RunData("data/finetuning/corrected_train.jsonl", "5" * 64, 12, 900)
    known = folder.manifest()
    write_private(folder.manifest_path, dataclasses.replace(known, parent=A, dataset=data).to_json())
    told = {"request": {"as": "dpo"}, "input": {"from": "feedback"}, "files": {"x": {"sha256": "5" * 64}}}
    (home / "data" / "finetuning" / "corrected.manifest.json").write_text(json.dumps(told))
    assert promote(home, B, "--force", "--note", "why not").code == 0
    first, second = run("models", "--json", home=home, cheap=True).json["lineage"]
    assert (first["run"], first["made"], first["verdict"]) == (B, "feedback, as dpo", "forced")
    assert (second["run"], second["made"], second["verdict"]) == (A, "", "")
    assert manifest(A).dataset.path.endswith(second["dataset"])
