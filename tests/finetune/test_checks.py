"""What training files are warned of: lengths, citations, prompts, duplicates, leaks; and how many problems are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tiny_model import tiny_tokenizer
from workspace import write

from finetune.formats.checks import FileReport
from finetune.formats.problems import Finding
from finetune.formats.tokens import costs, tokenizer_count
from finetune.formats.validate import validate
from finetune.prices import Price
from retrieval.errors import ModelMissing

LONG_ENOUGH = "mot " * 60
CITED = f"{LONG_ENOUGH}[chunk_1]."


def chat(question: str, answer: str = CITED, system: str = "Cite.", **metadata: Any) -> dict[str, Any]:
    said = [("system", system), ("user", question), ("assistant", answer)]
    return {"messages": [{"role": r, "content": c} for r, c in said if c], "metadata": {"lang": "fr", **metadata}}


def many(count: int = 60, start: int = 0, **metadata: Any) -> list[dict[str, Any]]:
    """Rows without a fault."""
    return [chat(f"Qui héberge l'application {i} ?", f"{CITED} {i}", **metadata) for i in range(start, start + count)]


def file(path: Path, rows: list[Any]) -> Path:
    return write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def check(*paths: Path, **options: Any) -> tuple[FileReport, ...]:
    return validate(paths, len, **options)


def found(report: FileReport) -> dict[str, Finding]:
    return {finding.kind: finding for finding in report.findings}


def warnings(tmp_path: Path, rows: list[Any], **options: Any) -> dict[str, Finding]:
    (report,) = check(file(tmp_path / "rows.jsonl", rows), **options)
    return found(report)


def test_a_good_file_has_nothing_to_mend(tmp_path: Path) -> None:
    (report,) = check(file(tmp_path / "d_train.jsonl", many()))
    assert (report.findings, report.rows, report.format, report.numbered) == ((), 60, "messages", "line")


def test_lengths_of_answers_are_one_warning_each_with_their_share(tmp_path: Path) -> None:
    rows = [
        *many(48),
        *(chat(f"{i} ?", f"Oui {i} [chunk_1].") for i in range(10)),
        chat("z ?", CITED * 9),
        chat("y ?", CITED * 10),
    ]
    kinds = warnings(tmp_path, rows)
    assert [(f.count, f.places[0].line, f.places[0].detail) for f in kinds.values()] == [
        (1, 0, "10 of 60 (17%)"),
        (1, 0, "2 of 60 (3%)"),
    ]
    assert list(kinds) == ["answers under 50 words", "answers over 500 words"]


def test_citations_are_wanted_but_not_of_refusals_nor_of_json(tmp_path: Path) -> None:
    rows = [
        *many(55),
        chat("a ?", LONG_ENOUGH),
        chat("b ?", "Je ne trouve pas.", answerable=False),
        chat("c ?", '[{"scenario": "Connexion"}]'),
    ]
    kinds = warnings(tmp_path, rows)
    assert {kind: f.places[0].detail for kind, f in kinds.items()} == {"answers without a citation": "1 of 57 (2%)"}


@pytest.mark.parametrize(("count", "kind"), [(9, "fewer than 10 rows"), (49, "fewer than 50 examples")])
def test_too_few_examples(tmp_path: Path, count: int, kind: str) -> None:
    assert list(warnings(tmp_path, many(count))) == [kind]


def test_system_prompts_may_differ_between_languages_only(tmp_path: Path) -> None:
    english = [chat(f"Who hosts {i}?", f"{CITED} {i}", "Cite, please.", lang="en") for i in range(30)]
    assert not warnings(tmp_path, many() + english)
    mixed = [chat("a ?", system="Réponds."), chat("b ?", f"{CITED} b", system="")]
    kinds = warnings(tmp_path, many() + english + mixed)
    assert kinds["system prompts differ"].places[0].detail == "2 in fr, 1 rows have none"


def test_duplicates_exact_near_and_contradictory(tmp_path: Path) -> None:
    rows = [
        *many(),
        chat("Où est GIDAF ?", CITED),
        chat("Où est GIDAF ?", CITED),
        chat("ou est gidaf", CITED.replace("mot", "MOT")),
    ]
    kinds = warnings(tmp_path, [*rows, chat("OÙ EST GIDAF ?", f"{CITED} Non.")])
    assert {kind: (f.places[0].line, f.places[0].detail) for kind, f in kinds.items()} == {
        "duplicate": (62, "same as 61"),
        "near duplicate": (63, "nearly 61"),
        "one question, two answers": (64, "asked by 61 too"),
    }


def test_one_question_over_other_documents_is_another_question(tmp_path: Path) -> None:
    texts = [f'<document id="chunk_{i}" title="" path="">\n{i}\n</document>\n\nQuestion : Qui ?' for i in range(3)]
    assert not warnings(tmp_path, [*many(), *(chat(text, f"{CITED} {text[14:22]}") for text in texts)])


def test_in_a_list_on_one_line_rows_are_told_apart_by_their_place(tmp_path: Path) -> None:
    (report,) = check(write(tmp_path / "rows.json", json.dumps([*many(), many(1)[0]])))
    assert report.numbered == "item"
    assert [(p.line, p.detail) for p in found(report)["duplicate"].places] == [(61, "same as 1")]


def test_pairs_and_ratings_may_share_a_question(tmp_path: Path) -> None:
    pairs = [{"prompt": "q ?", "chosen": f"{CITED} {i}", "rejected": f"non {i}"} for i in range(60)]
    assert not warnings(tmp_path, pairs)
    rated = [{"prompt": "q ?", "completion": f"{CITED} {i}", "label": bool(i % 2)} for i in range(60)]
    assert not warnings(tmp_path, rated)
    assert (
        warnings(tmp_path, [{**row, "label": False} for row in rated])["one label only"].places[0].detail
        == "every answer is bad"
    )


@pytest.mark.parametrize(
    ("answer", "kind", "severity"),
    [
        ('[{"scenario": "a"}, {"scenario": "b"]', "output looks like JSON and is not", "error"),
        ('{"a": 1', "output looks like JSON and is not", "error"),
        ('[{"scenario": "a", ...}]', "output with data left out", "warning"),
    ],
)
def test_an_output_that_is_nearly_json(tmp_path: Path, answer: str, kind: str, severity: str) -> None:
    kinds = warnings(tmp_path, [*many(), chat("Extrais.", answer)])
    assert (kinds[kind].severity, kinds[kind].places[0].line) == (severity, 61)


@pytest.mark.parametrize("answer", ["[chunk_1] le dit.", "{nom} est une variable.", '["a"', "[1, 2"])
def test_brackets_alone_are_no_json(tmp_path: Path, answer: str) -> None:
    assert not {k: f for k, f in warnings(tmp_path, [*many(), chat("q ?", answer)]).items() if f.severity == "error"}


def test_a_row_of_another_format_is_an_error(tmp_path: Path) -> None:
    kinds = warnings(tmp_path, [*many(), {"prompt": "q ?", "completion": CITED}])
    assert kinds["another format"].severity == "error"
    assert kinds["another format"].places[0].detail == "prompt-completion in a file of messages"


def test_rows_too_long_for_a_context(tmp_path: Path) -> None:
    kinds = warnings(tmp_path, [*many(), chat("q ?", CITED * 4)], max_tokens=600)
    (finding,) = kinds.values()
    assert (finding.kind, finding.count, finding.places[0].line) == ("more than 600 tokens", 1, 61)


def test_the_same_problem_is_shown_twenty_times_and_counted(tmp_path: Path) -> None:
    finding = warnings(tmp_path, [*many(), *[{"text": ""}] * 332])["empty content"]
    assert (finding.count, len(finding.places), finding.places[-1].line) == (332, 20, 80)


def test_strict_makes_errors_of_warnings(tmp_path: Path) -> None:
    assert warnings(tmp_path, many(9), strict=True)["fewer than 10 rows"].severity == "error"


# files against each other --------------------------------------------------------------------------------------------


def test_rows_and_documents_of_a_test_file_beside_a_training_file(tmp_path: Path) -> None:
    train = file(
        tmp_path / "d_train.jsonl", [*many(documents=["a.md"]), chat("Où ?", f"{CITED} x", documents=["b.md"])]
    )
    file(tmp_path / "d_test.jsonl", [chat("ou", "Ailleurs.", documents=["b.md"]), chat("Quoi ?", documents=["c.md"])])
    file(tmp_path / "d_validation.jsonl", many(1, 5, documents=["a.md"]))
    (report,) = check(train)
    assert {kind: [(p.line, p.detail) for p in f.places] for kind, f in found(report).items()} == {
        "row of d_validation.jsonl": [(6, "asked by its row 1")],
        "row of d_test.jsonl": [(61, "asked by its row 1")],
        "document of d_test.jsonl": [(61, "used by its row 1")],
    }


def test_a_test_of_seen_documents_may_share_them(tmp_path: Path) -> None:
    train = file(tmp_path / "d_train.jsonl", many(documents=["a.md"], group=4))
    seen = file(tmp_path / "d_test_seen.jsonl", many(60, 100, documents=["a.md"], group=4))
    assert [found(report) for report in check(train, seen)] == [{}, {}]
    unseen = file(tmp_path / "e_test.jsonl", many(60, 200, group=4))
    assert list(found(check(train, unseen)[0])) == ["document of e_test.jsonl"]


def test_files_whose_names_tell_nothing_are_compared_too(tmp_path: Path) -> None:
    first, second = file(tmp_path / "a.jsonl", many()), file(tmp_path / "b.jsonl", many(60, 59))
    reports = check(first, second)
    assert {kind: f.places[0].line for kind, f in found(reports[0]).items()} == {"row of b.jsonl": 60}
    assert not found(reports[1])


def test_two_training_files_may_overlap(tmp_path: Path) -> None:
    paths = [file(tmp_path / f"{name}_train.jsonl", many()) for name in "ab"]
    assert [found(report) for report in check(*paths)] == [{}, {}]


# tokens and cost -----------------------------------------------------------------------------------------------------


def test_tokens_are_counted_for_every_text_and_priced_for_what_is_trained_on(tmp_path: Path) -> None:
    paths = [file(tmp_path / f"d_{name}.jsonl", [chat("1234 ?", "123", "12")]) for name in ("train", "test")]
    paths.append(file(tmp_path / "pairs.jsonl", [{"prompt": "1", "chosen": "22", "rejected": "333"}]))
    reports = check(*paths)
    assert [(report.tokens, report.longest) for report in reports] == [(11, 11), (11, 11), (6, 6)]
    prices: Mapping[str, Price] = {
        "dear": Price(1, 1, 20.0, "2026-09-01"),
        "untrained": Price(1, 1, None, "2026-09-01"),
        "cheap": Price(1, 1, 2.0, "2026-09-02"),
    }
    assert [(c.model, c.tokens, c.dollars, c.as_of) for c in costs(reports, prices, 1000)] == [
        ("cheap", 17_000, 0.034, "2026-09-02"),
        ("dear", 17_000, 0.34, "2026-09-01"),
    ]


def test_a_base_model_counts_with_its_own_tokenizer(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(tmp_path / "base")
    text = "Gitea écoute sur le port 3000."
    assert tokenizer_count(str(tmp_path / "base"))(text) == len(tokenizer.encode(text)) + 4


def test_a_base_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="cannot be loaded here"):
        tokenizer_count("nobody/no-such-model")
    with pytest.raises(ModelMissing, match="cannot be loaded here"):
        tokenizer_count(str(tmp_path))
