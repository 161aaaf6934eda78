"""Datasets from feedback: what trains, what tests, what a person wrote, what was forgotten."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from commands import CHEAP, indexed_sheets, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from turns import CANTEEN, GITEA, answer, opened

from assistant.app import App
from assistant.feedback.corrections import SavedCorrections, save_corrections
from assistant.feedback.dataset import FeedbackRows, feedback_rows
from assistant.feedback.heldout import content_words
from assistant.feedback.rows import FORMATS, Format
from assistant.journal.store import Journal
from assistant.workspace import Home
from retrieval.errors import BadInput, NoSpace
from retrieval.types import Message

TRAINS = ("Quel port écoute Gitea ?", "Qui a créé Redis ?", "Who created NATS?", "Combien de pages ?")
TESTS = ("La licence de PostgreSQL ?", "What is the license of NATS?", "Quel port écoute Moodle ?")
RIGHT = "On le lit là [chunk_7]."
"""States no value, so that two of them are not the same answer."""


class Team:
    """A workspace whose answers are corrected and approved, and made into datasets."""

    def __init__(self, home: Path, journal: Journal) -> None:
        self.home, self.journal = home, journal

    def ask(self, question: str, **changes: Any) -> int:
        """The number of an answer, the first of a session of its own."""
        return self.journal.record(self.journal.new_session(), answer(question, **changes), {}, "ana")

    def fix(self, question: str, correction: str = RIGHT, *, author: str = "ana", **changes: Any) -> int:
        """An answer with an approved correction."""
        number = self.ask(question, **changes)
        self.journal.correct(number, author, correction)
        self.journal.review(number, author, "approved", "bob")
        return number

    def rate(self, question: str, rating: Any = "good", **changes: Any) -> int:
        number = self.ask(question, **changes)
        self.journal.rate(number, "ana", rating)
        self.journal.review(number, "ana", "approved", "bob")
        return number

    def app(self) -> App:
        return App(Home(self.home, "test"), {})

    def make(self) -> SavedCorrections:
        app = self.app()
        try:
            return save_corrections(app)
        finally:
            app.journal.close()

    def rows(self, form: Format) -> FeedbackRows:
        app = self.app()
        try:
            return feedback_rows(app, form)
        finally:
            app.journal.close()

    @property
    def corrections(self) -> Path:
        return self.home / "data" / "finetuning" / "corrections.jsonl"

    @property
    def regression(self) -> Path:
        return self.home / "data" / "finetuning" / "regression.jsonl"

    def lessons(self) -> list[tuple[str, str]]:
        """Question and answer of each line that trains."""
        return [(row["messages"][-2]["content"], row["messages"][-1]["content"]) for row in read(self.corrections)]

    def tests(self) -> list[tuple[str, str]]:
        return [(case["question"], case["expected_answer"]) for case in read(self.regression)]


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def write(path: Path, rows: Sequence[Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def team(home: Path) -> Iterator[Team]:
    with opened(home / "data" / "journal.sqlite3") as journal:
        yield Team(home, journal)


# the files -----------------------------------------------------------------------------------------------------------


def test_a_correction_trains_as_the_guides_write_rows(team: Team) -> None:
    number = team.fix(TRAINS[0], "Gitea écoute le port 3000. [chunk 7]")
    team.make()
    (row,) = read(team.corrections)
    assert list(row) == ["messages", "metadata"]
    assert [m["role"] for m in row["messages"]] == ["system", "user", "assistant"]
    assert [m["content"] for m in row["messages"][1:]] == [TRAINS[0], "Gitea écoute le port 3000. [chunk_7]"]
    assert {name: value for name, value in row["metadata"].items() if name != "id"} == {
        "split": "train",
        "type": "correction",
        "lang": "fr",
        "answerable": True,
        "answers": ["3000"],
        "gold": ["chunk_7"],
        "documents": ["docs/fr-gitea.md"],
        "method": "feedback",
        "form": "feedback.correction",
        "author": "ana",
        "answer": number,
    }
    assert read(team.regression) == []
    assert os.name != "posix" or stat.S_IMODE(team.corrections.stat().st_mode) == 0o600


def test_a_held_out_correction_is_a_case_to_evaluate_with(team: Team) -> None:
    team.fix(TESTS[0], "PostgreSQL a pour licence MIT [chunk_7].")
    team.make()
    (case,) = read(team.regression)
    assert {name: value for name, value in case.items() if name != "id"} == {
        "question": TESTS[0],
        "answers": ["MIT"],
        "expected_answer": "PostgreSQL a pour licence MIT [chunk_7].",
        "answerable": True,
        "lang": "fr",
        "type": "correction",
        "gold": ["chunk_7"],
        "documents": ["docs/fr-gitea.md"],
        "split": "regression",
    }
    assert list(case) == ["id", "question", "answers", "expected_answer", "answerable", "lang", "type", "gold",
                          "documents", "split"]  # fmt: skip
    assert read(team.corrections) == []


def test_a_refusal_is_no_answer(team: Team) -> None:
    team.fix(TESTS[0], "Je ne trouve pas la réponse dans les documents.")
    team.make()
    (case,) = read(team.regression)
    assert (case["answerable"], case["answers"], case["gold"], case["documents"]) == (False, [], [], [])


def test_a_follow_up_is_kept_as_the_question_that_was_searched_for(team: Team) -> None:
    team.fix("Et lui ?", searched=TRAINS[1])
    team.fix("Et sa licence ?", "MIT [chunk_7].", searched=TESTS[0])
    team.make()
    assert team.lessons() == [(TRAINS[1], RIGHT)]
    assert team.tests() == [(TESTS[0], "MIT [chunk_7].")]


def test_of_one_question_the_newest_correction_is_the_test(team: Team) -> None:
    team.fix(TESTS[0], "GPL [chunk_7].")
    team.fix(f"Quelle est {TESTS[0].lower()}", "MIT [chunk_7].")
    made = team.make()
    assert [answer for _, answer in team.tests()] == ["MIT [chunk_7]."]
    assert made.left_out == {"an older correction of a regression test": 1}


def test_two_authors_of_one_mind_teach_it_once_and_of_two_both(team: Team) -> None:
    number = team.fix(TRAINS[0])
    for author, said in (("bob", RIGHT), ("eva", "Le 3000 [chunk_7].")):
        team.journal.correct(number, author, said)
        team.journal.review(number, author, "approved", "bob")
    assert team.make().left_out == {"the same row as another": 1}
    assert team.lessons() == [(TRAINS[0], RIGHT), (TRAINS[0], "Le 3000 [chunk_7].")]


@pytest.mark.parametrize("decision", ["pending", "rejected"])
def test_what_is_not_approved_is_nowhere(team: Team, decision: str) -> None:
    for question in (TRAINS[0], TESTS[0]):
        number = team.ask(question)
        team.journal.correct(number, "ana", "SECRET [chunk_7].")
        if decision == "rejected":
            team.journal.review(number, "ana", "rejected", "bob")
    team.make()
    assert not team.corrections.parent.exists()
    for form in FORMATS:
        with pytest.raises(BadInput):
            team.rows(form)


def test_what_its_author_changes_is_gone_until_it_is_approved_again(team: Team) -> None:
    number = team.fix(TRAINS[0])
    team.make()
    team.journal.correct(number, "ana", "Le port est 3000 [chunk_7].")
    team.make()
    assert team.lessons() == []
    team.journal.review(number, "ana", "approved", "bob")
    team.make()
    assert team.lessons() == [(TRAINS[0], "Le port est 3000 [chunk_7].")]


def test_a_chunk_of_the_library_may_be_cited_that_the_answer_was_not_given(home: Path, docs: Path) -> None:
    indexed_sheets(home, cheap=True)
    with opened(home / "data" / "journal.sqlite3") as journal:
        team = Team(home, journal)
        chunk = next(number for number, text in chunks(home) if "6379" in text)
        team.fix(TRAINS[0], f"Redis écoute le port 6379 [chunk {chunk}].", passages=(CANTEEN,))
        team.fix("Autre chose ?", "Oui [chunk_999].")
        assert team.make().left_out == {"the correction cites chunks that do not exist": 1}
        (row,) = read(team.corrections)
    assert row["messages"][-1]["content"].endswith(f"[chunk_{chunk}].")
    assert row["metadata"]["gold"] == [f"chunk_{chunk}"]
    assert row["metadata"]["documents"] == ["docs/fr-redis.md"]
    assert row["metadata"]["answers"] == ["6379"]


def chunks(home: Path) -> list[tuple[int, str]]:
    from retrieval.library import Library

    library = Library(home / "data" / "library.sqlite3")
    try:
        return library.query("SELECT id, text FROM chunks ORDER BY id")
    finally:
        library.close()


def test_a_correction_that_its_chunk_does_not_say_is_named(team: Team) -> None:
    team.fix(TRAINS[0], "Gitea écoute sur le port 3000 [chunk_7].")
    wrong = team.fix(TRAINS[1], "Redis a été créé par Salvatore Sanfilippo [chunk_9].")
    team.fix(TRAINS[2], "Nobody knows.")
    assert team.make().weak == (wrong,)


def test_the_values_of_a_list_are_its_titles(team: Team) -> None:
    team.fix(TRAINS[3], "Ce sont Gitea et Cantine [chunk_7][chunk_9].", passages=(GITEA, CANTEEN))
    team.make()
    assert read(team.corrections)[0]["metadata"]["answers"] == ["Gitea", "Cantine"]


# made again and again ------------------------------------------------------------------------------------------------


def test_made_twice_the_files_are_the_same_bytes(team: Team) -> None:
    for question in (*TRAINS, *TESTS):
        team.fix(question)
    team.make()
    before = team.corrections.read_bytes(), team.regression.read_bytes()
    assert team.make().corrections.by_hand == 0
    assert (team.corrections.read_bytes(), team.regression.read_bytes()) == before


def test_what_was_forgotten_is_gone_with_the_next_dataset(team: Team) -> None:
    kept = [team.fix(question) for question in (TRAINS[0], TESTS[0])]
    gone = [team.fix(question, "SECRET [chunk_7].") for question in (TRAINS[1], TESTS[1])]
    team.make()
    assert (len(team.lessons()), len(team.tests())) == (2, 2)
    sessions = [str(team.journal.interaction(number).session_id) for number in gone]
    ran = run("forget", *(part for s in sessions for part in ("--session", s)), "--yes", home=team.home)
    assert ran.code == 0
    team.make()
    assert [row["metadata"]["answer"] for row in read(team.corrections)] == kept[:1]
    assert team.tests() == [(TESTS[0], RIGHT)]
    run("forget", "--all", "--yes", home=team.home)
    team.make()
    assert team.corrections.read_bytes() + team.regression.read_bytes() == b""


def test_lines_that_a_person_added_stay_as_they_are(team: Team) -> None:
    team.fix(TRAINS[0])
    team.make()
    mine = '{"messages":[{"role":"user","content":"Où ?"},{"role":"assistant","content":"Là."}]}'
    with team.corrections.open("a", encoding="utf-8", newline="") as file:
        file.write(f"{mine}\r\n\nbroken {{\n[1, 2]\n")
    for count in (4, 4):
        assert team.make().corrections.rows == count
        lines = team.corrections.read_text(encoding="utf-8").splitlines()
        assert lines[1:] == [mine, "broken {", "[1, 2]"]
    team.fix(TRAINS[1])
    assert (made := team.make().corrections).rows == 5
    assert (made.by_hand, made.orphans) == (3, 0)


def test_a_line_that_a_person_edited_stands_in_place_of_ours(team: Team) -> None:
    for question in (TRAINS[0], TRAINS[1]):
        team.fix(question)
    team.fix(TESTS[0], "MIT [chunk_7].")
    team.make()
    rows = read(team.corrections)
    rows[0]["messages"][-1]["content"] = "Le port 3000, et aucun autre [chunk_7]."
    write(team.corrections, rows)
    cases = read(team.regression)
    cases[0]["answers"] = ["MIT", "licence MIT"]
    write(team.regression, cases)
    for _ in range(2):
        made = team.make()
        assert (made.corrections.by_hand, made.corrections.orphans, made.regression.by_hand) == (1, 0, 1)
        assert team.lessons() == [(TRAINS[0], "Le port 3000, et aucun autre [chunk_7]."), (TRAINS[1], RIGHT)]
        assert read(team.regression) == cases


def test_spaces_and_the_order_of_keys_are_no_edit(team: Team) -> None:
    team.fix(TRAINS[0])
    team.make()
    before = team.corrections.read_bytes()
    (row,) = read(team.corrections)
    team.corrections.write_text(json.dumps(row, sort_keys=True, separators=(",", ":")), encoding="utf-8")
    assert team.make().corrections.by_hand == 0
    assert team.corrections.read_bytes() == before


def test_an_edited_copy_beside_its_original_is_one_more(team: Team) -> None:
    team.fix(TRAINS[0])
    team.make()
    (row,) = read(team.corrections)
    copy = json.loads(json.dumps(row))
    copy["messages"][-2]["content"] = "Gitea écoute sur quel port ?"
    write(team.corrections, [copy, row])
    for _ in range(2):
        team.make()
        assert [question for question, _ in team.lessons()] == [TRAINS[0], "Gitea écoute sur quel port ?"]


def test_an_edited_line_whose_feedback_is_gone_is_kept_and_counted(team: Team) -> None:
    number = team.fix(TRAINS[0])
    team.make()
    (row,) = read(team.corrections)
    row["messages"][-1]["content"] = "Mon texte [chunk_7]."
    write(team.corrections, [row])
    team.journal.review(number, "ana", "rejected", "bob")
    assert team.make().corrections.orphans == 1
    assert team.lessons() == [(TRAINS[0], "Mon texte [chunk_7].")]


def test_what_a_person_writes_down_to_train_is_no_test_and_the_other_way_round(team: Team) -> None:
    team.fix(TESTS[0])
    number = team.fix(TRAINS[0])
    team.make()
    row, case = read(team.corrections)[0], read(team.regression)[0]
    by_hand = {"messages": [{"role": "user", "content": TESTS[0]}, {"role": "assistant", "content": "MIT."}]}
    write(team.corrections, [by_hand])
    write(team.regression, [{**case, "id": "mine", "question": row["messages"][1]["content"]}])
    made = team.make()
    assert team.lessons() == [(TESTS[0], "MIT.")]
    assert [question for question, _ in team.tests()] == [TRAINS[0]]
    assert made.left_out == {"near a question that trains": 1, "near a regression test": 1}
    with pytest.raises(BadInput, match="1 near a regression test"):
        team.rows("sft")
    ran = run("feedback", "export", "--json", home=team.home).json
    assert ran["left_out"] == {"kept for the regression tests": 1, "near a regression test": 1}
    assert team.journal.interaction(number).question == TRAINS[0]


@pytest.mark.parametrize("data", [b"\xff\xfe{\x00}\x00", "é".encode("latin-1")])
def test_a_file_in_another_encoding_is_left_alone(team: Team, data: bytes) -> None:
    team.fix(TRAINS[0])
    team.make()
    team.corrections.write_bytes(data)
    with pytest.raises(BadInput, match=r"corrections\.jsonl is not UTF-8"):
        team.make()
    assert team.corrections.read_bytes() == data


def test_a_full_disk_leaves_the_old_files_whole(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    for question in (TRAINS[0], TESTS[0]):
        team.fix(question)
    team.make()
    before = {path.name: path.read_bytes() for path in team.corrections.parent.iterdir()}
    for question in (TRAINS[1], TESTS[1]):
        team.fix(question)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(NoSpace):
            team.make()
    assert {path.name: path.read_bytes() for path in team.corrections.parent.iterdir()} == before
    team.make()
    assert len(team.lessons() + team.tests()) == 4


def test_a_follow_up_whose_beginning_was_forgotten_is_nowhere(team: Team) -> None:
    """Its own words say nothing, and might fall on the other side."""
    for lesson, follow_up in ((TRAINS[1], "Et sa licence ?"), (TESTS[0], "Et son port ?")):
        session = team.journal.new_session()
        first = team.journal.record(session, answer("Qui est-ce ?"), {}, "ana")
        day = team.journal.interaction(first).created + 0.000001
        number = team.journal.record(session, answer(follow_up, searched=lesson), {}, "ana")
        team.journal.correct(number, "ana", RIGHT)
        team.journal.review(number, "ana", "approved", "bob")
        team.make()
        assert [question for question, _ in team.lessons() + team.tests()] == [lesson]
        assert team.journal.forget([session], before=day).turns == 1
        assert team.make().left_out["not a question of its own"] >= 1
        assert team.lessons() + team.tests() == []
        with pytest.raises(BadInput):
            team.rows("sft")


# never both ----------------------------------------------------------------------------------------------------------

ASKED = st.sampled_from(
    [
        *TRAINS,
        *TESTS,
        "Quel port, écoute gitea ?",
        "LICENCE POSTGRESQL",
        "licence exacte de PostgreSQL",
        "port de Moodle",
    ]
)
STEP = st.one_of(
    st.tuples(st.sampled_from(["fix", "good", "bad"]), ASKED),
    st.tuples(st.sampled_from(["reject", "forget", "edit"]), st.integers(0, 20)),
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(STEP, min_size=1, max_size=12))
def test_no_question_ever_trains_and_tests(tmp_path_factory: pytest.TempPathFactory, steps: Sequence[Any]) -> None:
    home = tmp_path_factory.mktemp("team")
    trained: set[frozenset[str]] = set()
    tested: set[frozenset[str]] = set()
    with opened(home / "data" / "journal.sqlite3") as journal:
        team = Team(home, journal)
        for kind, value in steps:
            change(team, kind, value)
            team.make()
            trained |= {content_words(question) for question, _ in team.lessons()}
            for form in FORMATS:
                trained |= {content_words(question) for question in asked(team, form)}
            tested |= {content_words(question) for question, _ in team.tests()}
            assert not trained & tested


def change(team: Team, kind: str, value: Any) -> None:
    """One thing that people do to feedback."""
    if kind in ("good", "bad"):
        team.rate(value, kind)
    elif kind == "fix":
        team.fix(value)
    elif kind == "edit":
        rows = read(team.corrections)
        for row in rows[value : value + 1]:
            row["messages"][-1]["content"] += " Vraiment."
        write(team.corrections, rows) if rows else None
    elif feedback := team.journal.feedback():
        said = feedback[value % len(feedback)]
        if kind == "reject":
            team.journal.review(said.interaction_id, said.author, "rejected", "bob")
        else:
            team.journal.forget([team.journal.interaction(said.interaction_id).session_id])


def asked(team: Team, form: Format) -> list[str]:
    """The questions of the rows of a format."""
    try:
        numbers = [row["metadata"]["answer"] for row in team.rows(form).rows]
    except BadInput:
        return []
    return [team.journal.interaction(number).question for number in numbers]


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ASKED, min_size=1, max_size=10))
def test_approved_as_they_come_no_test_is_ever_near_to_what_trained(
    tmp_path_factory: pytest.TempPathFactory, questions: Sequence[str]
) -> None:
    home = tmp_path_factory.mktemp("team")
    trained: set[frozenset[str]] = set()
    with opened(home / "data" / "journal.sqlite3") as journal:
        team = Team(home, journal)
        for number, question in enumerate(questions):
            team.fix(question, f"Réponse {number}.")
            team.make()
            trained |= {content_words(question) for question, _ in team.lessons()}
            for question, _ in team.tests():
                said = content_words(question)
                assert not any(len(said & other) / len(said | other) >= 0.7 for other in trained)
                assert not any(len(said ^ other) <= 1 and len(said & other) > 1 for other in trained)


# the rows ------------------------------------------------------------------------------------------------------------


def test_rows_have_one_key_beside_what_trainers_read(team: Team) -> None:
    number = team.fix(TRAINS[0])
    keys: dict[Format, list[str]] = {
        "sft": ["messages", "metadata"],
        "dpo": ["prompt", "chosen", "rejected", "metadata"],
        "kto": ["prompt", "completion", "label", "metadata"],
    }
    for form, names in keys.items():
        made = team.rows(form)
        for row in made.rows:
            assert list(row) == names
            told = row["metadata"]
            assert (told["author"], told["lang"], told["method"], told["answer"]) == ("ana", "fr", "feedback", number)
        assert made.documents == (("docs/fr-gitea.md",),) * len(made.rows)
        ids = [row["metadata"]["id"] for row in made.rows]
        assert len(set(ids)) == len(ids) == (2 if form == "kto" else 1)
        assert ids == [row["metadata"]["id"] for row in team.rows(form).rows]


@pytest.mark.parametrize("form", FORMATS)
def test_roles_are_as_trl_wants_them(team: Team, form: Format) -> None:
    team.fix(TRAINS[0])
    team.rate(TRAINS[1])
    team.fix(TRAINS[2], messages=())
    for row in team.rows(form).rows:
        said = row["messages"][:-1] if form == "sft" else row["prompt"]
        assert [m["role"] for m in said] == ["system", "user"]
        ends = row["messages"][-1:] if form == "sft" else [*row.get("completion", []), *row.get("chosen", [])]
        assert [m["role"] for m in ends] == ["assistant"]
        if form == "dpo":
            assert [m["role"] for m in row["rejected"]] == ["assistant"]
            assert row["chosen"] != row["rejected"]


def test_a_follow_up_teaches_no_earlier_answer(team: Team) -> None:
    sent = (
        Message("system", "Réponds."),
        Message("user", "Et avant ?"),
        Message("assistant", "Une réponse que personne n’a lue."),
        Message("user", f"[chunk_7] {GITEA.text}\n\nEt lui ?"),
    )
    team.fix("Et lui ?", searched=TRAINS[1], messages=sent)
    (row,) = team.rows("sft").rows
    assert [m["role"] for m in row["messages"]] == ["system", "user", "assistant"]
    assert row["messages"][1]["content"].endswith(TRAINS[1])
    assert "chunk_7" in row["messages"][1]["content"]
    assert "chunk_9" not in row["messages"][1]["content"], "which was not sent"
    (pair,) = team.rows("dpo").rows
    assert [m["content"] for m in pair["prompt"]] == [m.content for m in sent]


def test_no_author_gives_more_than_their_share(team: Team) -> None:
    for question in TRAINS[:3]:
        team.fix(question)
    team.fix(TRAINS[3], "Beaucoup.", author="bob")
    made = team.rows("sft")
    assert sorted(row["metadata"]["author"] for row in made.rows) == ["ana", "bob"]
    assert made.left_out == {"more than the author's share": 2}


def test_few_rows_are_said_with_what_waits(team: Team) -> None:
    team.fix(TRAINS[0])
    team.journal.rate(team.ask(TRAINS[1]), "ana", "good")
    made = team.rows("sft")
    assert made.waiting == 1
    assert made.warnings == ("1 rows of feedback are few, 50 is a beginning; 1 wait for review: dyag feedback review",)
    for number in range(60):
        team.rate(f"Page {number} ?", text=f"Réponse {number}.")
    assert len(team.rows("sft").rows) >= 50
    assert team.rows("sft").warnings == ()


@pytest.mark.parametrize(("good", "bad", "warned"), [(8, 2, False), (9, 2, True), (2, 9, True), (3, 0, True)])
def test_kto_needs_both_labels(team: Team, good: int, bad: int, warned: bool) -> None:
    for number in range(good + bad):
        team.rate(f"{TRAINS[0]} {'oui ' * number}", "good" if number < good else "bad", text=f"Réponse {number}.")
    rows = team.rows("kto")
    labels = [row["label"] for row in rows.rows]
    assert (labels.count(True), labels.count(False)) == (good, bad)
    assert any("KTO needs both labels" in warning for warning in rows.warnings) is warned


def test_without_feedback_the_way_to_some_is_said(team: Team) -> None:
    with pytest.raises(BadInput) as none:
        team.rows("sft")
    assert all(word in none.value.hint for word in ("/good", "/fix", "dyag feedback review"))
    number = team.ask(TRAINS[0])
    team.journal.rate(number, "ana", "good")
    with pytest.raises(BadInput) as waiting:
        team.rows("sft")
    assert (waiting.value.message, waiting.value.hint) == (
        "No approved feedback gives sft rows. Of 1: 1 not reviewed yet.",
        "1 wait for review: dyag feedback review",
    )
    run("feedback", "review", "--all-pending", "--approve", home=team.home)
    assert len(team.rows("sft").rows) == 1
    with pytest.raises(BadInput, match="Of 1: 1 no correction"):
        team.rows("dpo")


def test_from_a_chat_to_a_dataset(home: Path) -> None:
    """As a person does it: ask, correct, approve."""
    from chatting import converse

    indexed_sheets(home, cheap=True)
    embedder = CHEAP[1].partition("=")[2]
    shown = converse(home, "Quel port écoute Gitea ?", "/fix Gitea écoute sur le port 3000.", index__embedder=embedder)
    assert "corrected" in shown
    assert run("feedback", "review", "--all-pending", "--approve", home=home).code == 0
    with opened(home / "data" / "journal.sqlite3") as journal:
        team = Team(home, journal)
        team.make()
        assert team.lessons() == [("Quel port écoute Gitea ?", "Gitea écoute sur le port 3000.")]
        (pair,) = team.rows("dpo").rows
    assert pair["chosen"][0]["content"] == "Gitea écoute sur le port 3000."
    assert "3000" in pair["rejected"][0]["content"]
