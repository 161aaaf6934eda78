"""Reading cases: every format, what is told of bad ones, and what is never lost."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.prompts.refusals import NOT_LEARNT, REFUSALS
from eval.cases import identity_of, read_cases
from eval.types import Case
from retrieval.errors import BadInput, NotFound
from retrieval.types import Language, Message

GUIDES = {
    "id": "q1", "question": "Qui héberge GIDAF ?", "expected_answer": "SI-RAPP", "category": "who", "difficulty": "easy",
}  # fmt: skip


def taught(**changes: object) -> dict[str, object]:
    """A row of one of our training sets; its prompt shows chunk 383 of the library as chunk 7."""
    shown = '<document id="chunk_7" title="GIDAF">\nHébergeur : SI-RAPP\n</document>'
    metadata = {
        "id": "0f3a", "split": "test", "context": "raft", "shown": {"chunk_7": "chunk_383", "chunk_9": "chunk_12"},
        "type": "who", "lang": "fr", "answerable": True, "answers": ["SI-RAPP"], "gold": ["chunk_383"], "documents": ["a.md"],
    }  # fmt: skip
    question = changes.pop("question", "Qui héberge GIDAF ?")
    said = changes.pop("said", "GIDAF est hébergé par SI-RAPP [chunk_7].")
    return {
        "messages": [
            {"role": "system", "content": "Cite."},
            {"role": "user", "content": f"{shown}\n\nQuestion : {question}"},
            {"role": "assistant", "content": said},
        ],
        "metadata": {**metadata, **changes},
    }


def written(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def only(path: Path) -> Case:
    (case,) = read_cases(path).cases
    return case


def test_the_guides_row(tmp_path: Path) -> None:
    read = read_cases(written(tmp_path / "q.jsonl", [GUIDES, {**GUIDES, "id": "q2"}]))
    assert read.cases[0] == Case(
        "q1", "Qui héberge GIDAF ?", expected="SI-RAPP", language="fr", type="who", difficulty="easy"
    )
    assert (len(read.cases), read.problems, read.format) == (2, (), "jsonl")


def test_our_internal_keys(tmp_path: Path) -> None:
    row = {
        "id": 7, "question": "Which ports?", "answers": ["80", 443], "answerable": True, "lang": "en-GB", "type": "which",
        "gold": ["chunk_1", "a.md"], "split": "test", "group": "a.md", "every": True,
    }  # fmt: skip
    assert only(written(tmp_path / "q.jsonl", [row])) == Case(
        "7", "Which ports?", answers=("80", "443"), every=True, language="en", type="which",
        gold=("chunk_1", "a.md"), split="test", group="a.md",
    )  # fmt: skip


def test_messages_are_sent_as_they_are_and_the_last_answer_is_the_expected_one(tmp_path: Path) -> None:
    said = [("system", "Sois bref."), ("user", "Bonjour"), ("assistant", "Oui ?"), ("user", "Quel port ?")]
    messages = [{"role": role, "content": text} for role, text in said]
    row = {"messages": [*messages, {"role": "assistant", "content": "Le 80."}]}
    case = only(written(tmp_path / "q.jsonl", [row]))
    assert case.messages == tuple(Message(m["role"], m["content"]) for m in messages)  # type: ignore[arg-type]
    assert (case.question, case.expected, case.answers, case.language) == ("Quel port ?", "Le 80.", (), "fr")


def test_messages_without_an_answer_are_a_case_that_is_not_scored(tmp_path: Path) -> None:
    case = only(written(tmp_path / "q.jsonl", [{"messages": [{"role": "user", "content": "Quel port ?"}]}]))
    assert (case.expected, case.answers, case.answerable, len(case.messages)) == ("", (), True, 1)


def test_a_row_of_our_datasets_goes_by_the_ids_of_the_library(tmp_path: Path) -> None:
    case = only(written(tmp_path / "t.jsonl", [taught()]))
    assert case.question == "Qui héberge GIDAF ?"
    assert (case.id, case.answers, case.gold, case.group, case.split) == (
        "0f3a", ("SI-RAPP",), ("chunk_383",), "a.md", "test",
    )  # fmt: skip
    assert 'id="chunk_383"' in case.messages[-1].content
    assert "chunk_7" not in case.messages[-1].content
    assert case.expected.endswith("[chunk_383].")


def test_a_refusal_of_our_datasets_has_no_gold_but_keeps_its_document(tmp_path: Path) -> None:
    row = taught(answerable=False, answers=[], type="refusal", said="Je ne trouve pas la réponse dans les documents.")
    case = only(written(tmp_path / "t.jsonl", [row]))
    assert (case.answerable, case.answers, case.expected, case.gold, case.group) == (False, (), "", (), "a.md")


@pytest.mark.parametrize(
    ("question", "said", "values", "kept"),
    [
        ("Quelles bases ?", "MySQL et Redis [chunk_7].", ["MySQL", "Redis"], ("MySQL", "Redis")),
        ("XWiki est-il en Java ?", "Oui : XWiki est en Java [chunk_7].", ["Java"], ("Oui",)),
        ("Is Kafka a DNS server?", "No, it is a broker [chunk_7].", ["broker"], ("broker",)),
        ("Lequel de A et B utilise Grist ?", "Seul A utilise Grist [chunk_7].", ["Grist"], ()),
    ],
)
def test_a_value_that_the_question_tells_proves_nothing(
    tmp_path: Path, question: str, said: str, values: list[str], kept: tuple[str, ...]
) -> None:
    case = only(written(tmp_path / "t.jsonl", [taught(question=question, said=said, answers=values)]))
    assert (case.answers, case.every) == (kept, True)


def squad(questions: Sequence[object]) -> dict[str, object]:
    return {"version": "v2.0", "data": [{"title": "Normans", "paragraphs": [{"context": "…", "qas": questions}]}]}


def test_squad(tmp_path: Path) -> None:
    questions = [
        {"id": "a", "question": "In what country is Normandy?", "is_impossible": False,
         "answers": [{"text": "France", "answer_start": 9}, {"text": "France", "answer_start": 9}]},
        {"id": "b", "question": "Who ruled Normandy in 2090?", "is_impossible": True, "answers": [{"text": "Rollo"}],
         "plausible_answers": [{"text": "William", "answer_start": 1}]},
    ]  # fmt: skip
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(squad(questions), indent=1))
    read = read_cases(path)
    assert read.format == "squad"
    assert read.cases == (
        Case("a", "In what country is Normandy?", answers=("France",), language="en", group="Normans"),
        Case("b", "Who ruled Normandy in 2090?", answerable=False, language="en", group="Normans"),
    )


def test_a_broken_question_of_squad_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "squad.json"
    document = squad([{"id": "a", "question": "Who?", "answers": [{"text": "X"}]}, {"id": "b"}, 3])
    document["data"] += [{"title": "x"}, {"paragraphs": [{}]}]  # type: ignore[operator]
    path.write_text(json.dumps(document))
    read = read_cases(path)
    assert [case.id for case in read.cases] == ["a"]
    assert [problem.split(":")[0] for problem in read.problems] == [
        "article 1, paragraph 1, question 2", "article 1, paragraph 1, question 3", "article 2", "article 3, paragraph 1",
    ]  # fmt: skip


def beir(folder: Path, queries: Sequence[object], judgements: str) -> Path:
    (folder / "qrels").mkdir(parents=True)
    written(folder / "queries.jsonl", queries)
    (folder / "qrels" / "test.tsv").write_text(judgements, encoding="utf-8")
    return folder


@pytest.mark.parametrize("header", ["query-id\tcorpus-id\tscore\n", ""])
def test_beir(tmp_path: Path, header: str) -> None:
    queries = [
        {"_id": "q1", "text": "Qui ?", "metadata": {"answers": ["X"], "answerable": True, "lang": "fr"}},
        {"_id": "q2", "text": "Who?", "metadata": {"answers": [], "answerable": False, "lang": "en"}},
        {"_id": "q3", "text": "Where is it?"},
    ]
    folder = beir(tmp_path / "set", queries, f"{header}q1\td2\t1\nq1\td1\t2\nq1\td9\t0\nq2\td4\t1\n")
    read = read_cases(folder)
    assert read.format == "beir"
    assert read.cases == (
        Case("q1", "Qui ?", answers=("X",), language="fr", gold=("d2", "d1"), split="test", group="d2"),
        Case("q2", "Who?", answerable=False, language="en", split="test", group="d4"),
        Case("q3", "Where is it?", language="en"),
    )


def test_a_broken_judgement_is_told(tmp_path: Path) -> None:
    read = read_cases(
        beir(
            tmp_path / "set",
            [{"_id": "q1", "text": "Qui ?", "metadata": {"answers": "X"}}],
            "q1\td1\t1\nq1 d2 1\nq1\td3\tx\n",
        )
    )
    assert read.cases[0].gold == ("d1",)
    assert [problem.split(":")[0] for problem in read.problems] == ["qrels/test.tsv, line 2", "qrels/test.tsv, line 3"]


def test_judgements_that_cannot_be_read_are_told_and_the_queries_are_read(tmp_path: Path) -> None:
    read = read_cases(beir(tmp_path / "set", [{"_id": "q1", "text": "Qui ?", "metadata": {"answers": "X"}}], ""))
    assert (read.cases[0].id, read.cases[0].gold) == ("q1", ())
    assert "test.tsv is empty" in read.problems[0]


def test_cases_without_a_known_answer_are_kept_and_told(tmp_path: Path) -> None:
    rows = [
        {"question": "Qui ?"},
        {"question": "Où ?", "expected_answer": math.nan, "answers": [None]},
        {"question": "Quoi ?", "answers": ["X"]},
        {"question": "Quand ?", "answerable": False},
    ]
    read = read_cases(written(tmp_path / "q.jsonl", rows))
    assert [(case.answers, case.expected) for case in read.cases[:2]] == [((), ""), ((), "")]
    assert read.problems == ("2 of 4 cases have no known answer; what is compared with one is unscored.",)


@pytest.mark.parametrize("known", ["expected_answer", "answers"])
@pytest.mark.parametrize("sentences", [REFUSALS, NOT_LEARNT])
def test_a_refusal_as_the_known_answer_says_that_there_is_none(
    tmp_path: Path, known: str, sentences: Mapping[Language, str]
) -> None:
    rows = [{"question": "Qui ?", known: said} for said in sentences.values()]
    for case in read_cases(written(tmp_path / "q.jsonl", rows)).cases:
        assert (case.answerable, case.expected, case.answers) == (False, "", ())


def test_a_refusal_taught_without_a_word_about_it_is_one(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "Qui ?"}, {"role": "assistant", "content": REFUSALS["fr"]}]
    assert not only(written(tmp_path / "q.jsonl", [{"messages": said}])).answerable


def test_what_only_resembles_a_refusal_or_is_said_to_be_an_answer_is_one(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"question": "Que répond-il ?", "expected_answer": f"{REFUSALS['fr']} Voyez la FAQ."},
        {"question": "Que dit-il ?", "expected_answer": REFUSALS["fr"], "answers": ["MySQL"]},
        {"question": "Que répond-on ?", "expected_answer": REFUSALS["fr"], "answerable": True},
    ]
    assert all(case.answerable for case in read_cases(written(tmp_path / "q.jsonl", rows)).cases)


def test_a_json_array_and_one_object(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([GUIDES, {"id": "no"}], indent=2))
    read = read_cases(tmp_path / "a.json")
    assert (len(read.cases), read.format, len(read.problems)) == (1, "json", 1)
    assert read.problems[0].startswith("item 2: it has no question")
    (tmp_path / "b.json").write_text(json.dumps(GUIDES, indent=2))
    assert read_cases(tmp_path / "b.json").cases == read.cases


def test_a_broken_line_is_told_with_its_number_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    good = [json.dumps({**GUIDES, "id": str(i)}).encode() for i in range(3)]
    bad = [b'{"question": "x', b"\xff\xfe", b"[1, 2]", b'{"question": "x", "answerable": "no"}', b'{"messages": [3]}']
    path.write_bytes(b"\n".join([b"", good[0], *bad, b"", good[1], good[2]]))
    read = read_cases(path)
    assert [case.id for case in read.cases] == ["0", "1", "2"]
    assert [problem.split(":")[0] for problem in read.problems] == [f"line {n}" for n in range(3, 8)]
    assert read.problems[0] == "line 3: not JSON (Unterminated string starting at, column 14); left out."


def test_an_id_given_twice_is_told_and_both_cases_are_kept(tmp_path: Path) -> None:
    read = read_cases(
        written(tmp_path / "q.jsonl", [GUIDES, {**GUIDES, "question": "Autre ?"}, {**GUIDES, "id": "q1-2"}])
    )
    assert [case.id for case in read.cases] == ["q1", "q1-2", "q1-2-2"]
    assert read.problems[0] == "line 2: the id q1 came before; this case is q1-2."


def test_an_id_that_is_not_given_is_that_of_the_question(tmp_path: Path) -> None:
    rows = [{"question": "Quel port ?"}, {"question": "Quelle base ?"}, {"question": "Quel port ?"}]
    ids = [case.id for case in read_cases(written(tmp_path / "q.jsonl", rows)).cases]
    again = [case.id for case in read_cases(written(tmp_path / "r.jsonl", rows[::-1])).cases]
    assert ids[0] == again[0]
    assert ids[2] == f"{ids[0]}-2"
    assert ids[1] == again[1] != ids[0]


def test_the_limit_is_the_first_cases_and_nothing_after_them_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "q.jsonl", [{**GUIDES, "id": str(i)} for i in range(5)])
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{{", encoding="utf-8")
    assert [case.id for case in read_cases(path, 2).cases] == ["0", "1"]
    assert read_cases(path, 2).problems == ()
    assert len(read_cases(path, 99).problems) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"  \n\n", "is empty"),
        (b"\x89PNG\x00\x1a", "not a text file"),
        ("é".encode("utf-16"), "not a text file"),
        (b"id,question\n1,Who?\n", "line 1: not JSON (Expecting value, column 1); left out."),
        (b'[{"question": "Who?"}, {"quest', "breaks off"),
        (b"[]", "no case"),
        (b"3", "no case"),
        (b'{"data": []}', "no case"),
        (b'{"_id": "d1", "title": "A", "text": "A document, no question."}', "it has no question"),
        (b"[" * 100_000, "breaks off"),
        (b'{"question": ' + b"1" * 5000 + b"}", "cannot be read as JSON"),
    ],
)
def test_a_file_without_a_case_says_why(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(data)
    with pytest.raises(BadInput) as caught:
        read_cases(path)
    assert said in caught.value.message
    assert "bad.jsonl" in caught.value.message
    assert "SQuAD" in caught.value.hint


def test_what_is_not_there_and_what_is_no_folder_of_cases(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_cases(tmp_path / "nothing.jsonl")
    with pytest.raises(BadInput, match="cannot be read"):
        read_cases(tmp_path / ("x" * 5000))
    with pytest.raises(BadInput, match=r"without queries\.jsonl"):
        read_cases(tmp_path)
    with pytest.raises(BadInput, match="neither a file nor a folder"):
        read_cases(Path("/dev/null"))


def test_a_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(json.dumps({**GUIDES, "id": str(i)}).encode() for i in range(2)))
    assert [case.id for case in read_cases(path).cases] == ["0", "1"]


def test_the_identity_is_that_of_the_cases_and_not_of_the_file(tmp_path: Path) -> None:
    rows = [{**GUIDES, "id": str(i)} for i in range(3)]
    (tmp_path / "a.json").write_text(json.dumps(rows[::-1]))
    lines = read_cases(written(tmp_path / "a.jsonl", rows)).cases
    assert identity_of(lines) == identity_of(read_cases(tmp_path / "a.json").cases)
    assert identity_of(lines) != identity_of(lines[:2])
    assert identity_of(lines) != identity_of([*lines[:2], replace(lines[2], expected="autre")])
