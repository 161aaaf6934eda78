"""The slash-commands of a conversation, as transcripts of a chat at a terminal."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from chatting import app_at, converse
from commands import indexed_sheets
from trial_job import ended

from assistant.conversation import KEPT
from assistant.journal.store import Journal

PORT = "Quel port écoute Gitea ?"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return indexed_sheets(tmp_path)


def shown_after(transcript: str, line: str) -> str:
    """What was shown for one line that was typed."""
    *_, rest = transcript.partition(f"› {line}\n")
    return rest.partition("\n› ")[0].rstrip("\n")


def test_a_whole_session(home: Path) -> None:
    """Start, question, citation, follow-up, mode refused, rating, correction, export, quit; then resumed."""
    lines = [
        PORT,
        "/source 3",
        "Et sa licence ?",
        "/mode hybrid",
        "/bad on ne sait pas laquelle",
        "/fix Gitea est sous licence MIT [chunk_3].",
        "/sessions",
        "/quit",
        "never read",
    ]
    transcript = converse(home, *lines)
    assert transcript.startswith("dyag  /help for commands")
    assert "never read" not in transcript
    assert shown_after(transcript, PORT) == (
        "Gitea — Port : 3000 [chunk_3]\n\n[chunk_3] Gitea  docs/fr-gitea.md\n1 · rag · extractive"
    )
    assert "Gitea est une forge logicielle" in shown_after(transcript, "/source 3")
    follow_up = shown_after(transcript, "Et sa licence ?")
    assert follow_up.startswith("searched: ")
    assert "Gitea" in follow_up.splitlines()[0]
    assert "MIT [chunk_3]" in follow_up
    assert "needs a promoted model, and there is none" in shown_after(transcript, "/mode hybrid")
    assert "/train" in shown_after(transcript, "/mode hybrid")
    assert shown_after(transcript, lines[4]) == "Answer 2: rated bad, because: on ne sait pas laquelle."
    assert shown_after(transcript, lines[5]) == "Answer 2: rated bad, because: on ne sait pas laquelle, corrected."
    assert PORT in shown_after(transcript, "/sessions")

    again = converse(home, "/resume", "Et en quoi est-il écrit ?", "/export --format jsonl")
    assert f"Session 1, 2 turns: {PORT}\nLast asked: Et sa licence ?\n" in again
    assert "Go [chunk_3]" in shown_after(again, "Et en quoi est-il écrit ?")
    rows = [json.loads(line) for line in shown_after(again, "/export --format jsonl").splitlines() if line]
    assert [row["question"] for row in rows] == [PORT, "Et sa licence ?", "Et en quoi est-il écrit ?"]


def test_the_journal_keeps_what_an_answer_was_made_of(home: Path) -> None:
    converse(home, PORT)
    journal = Journal(home / "data" / "journal.sqlite3")
    turn = journal.interaction(1)
    journal.close()
    assert (turn.question, turn.mode, turn.generator, turn.refused) == (PORT, "rag", "extractive", False)
    assert turn.answer == "Gitea — Port : 3000 [chunk_3]"
    assert (turn.passages[0].title, turn.passages[0].chunk_id) == ("Gitea", 3)
    assert turn.passages[0].score > 0
    assert turn.generation == (home / "data" / "index" / "CURRENT").read_text().strip()
    assert turn.settings["search"]["top_k"] == 10
    assert "api_key" not in turn.settings["model"]


def test_a_rating_needs_an_answer(home: Path) -> None:
    transcript = converse(home, "/good", "/bad 7 wrong", "/fix 7")
    assert "There is no answer yet" in shown_after(transcript, "/good")
    assert "There is no answer yet" in shown_after(transcript, "/bad 7 wrong")
    assert "There is no answer 7" in shown_after(transcript, "/fix 7")


def test_an_earlier_answer_is_rated_by_its_number(home: Path) -> None:
    transcript = converse(home, PORT, "Who created NATS?", "/good 1", "/bad 1 3 ports", "/bad 3 ports")
    assert shown_after(transcript, "/good 1") == "Answer 1: rated good."
    assert shown_after(transcript, "/bad 1 3 ports") == "Answer 1: rated bad, because: 3 ports."
    assert shown_after(transcript, "/bad 3 ports") == "Answer 2: rated bad, because: 3 ports."


def test_a_correction_that_cites_what_was_not_given_is_told(home: Path) -> None:
    transcript = converse(home, PORT, "/fix 3000 [chunk_3] [chunk_999]")
    assert "chunk_999" in shown_after(transcript, "/fix 3000 [chunk_3] [chunk_999]")


def test_the_same_text_is_no_correction(home: Path) -> None:
    transcript = converse(home, PORT, "/fix Gitea — Port : 3000 [chunk_3]")
    assert "no correction is kept" in transcript


def test_fix_opens_the_answer_in_the_editor(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def edit(text: str, *args: object, **options: object) -> str:
        opened.append(text)
        return text.replace("3000", "3001")

    monkeypatch.setattr("assistant.terminal.editor.edit", edit)
    stdin = io.StringIO()
    stdin.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", stdin)
    transcript = converse(home, PORT, "/fix", "/fix 1")
    assert PORT in opened[0]
    assert "Gitea — Port : 3000 [chunk_3]" in opened[0]
    assert shown_after(transcript, "/fix") == "Answer 1: not rated, corrected."
    journal = Journal(home / "data" / "journal.sqlite3")
    assert journal.feedback(interaction_id=1)[0].correction == "Gitea — Port : 3001 [chunk_3]"
    journal.close()


def test_modes_models_and_settings_switch_until_the_chat_ends(home: Path) -> None:
    transcript = converse(
        home,
        "/model fake:",
        PORT,
        "/mode",
        "/set search.top_k 2",
        "/sources",
        PORT,
        "/sources",
        "/model extractive",
        "/set x.y 1",
    )
    assert shown_after(transcript, "/model fake:").startswith("fake:")
    assert "rag · fake:" in shown_after(transcript, PORT)
    assert shown_after(transcript, "/mode").startswith("*  rag")
    assert re.search(r"search.top_k +2 +flag", transcript)
    assert shown_after(transcript, "/sources").count("docs/") > 2
    last = transcript.rpartition("› /sources\n")[2].partition("\n› ")[0]
    assert last.count("docs/") <= 2 + 5
    assert "there is no setting x.y" in shown_after(transcript, "/set x.y 1")
    assert "rag · extractive" in converse(home, PORT)


def test_a_generator_that_cannot_be_used_leaves_the_one_before(home: Path) -> None:
    transcript = converse(home, "/model nosuch:thing", "/set model.temperature 9", PORT)
    assert "dyag: " in shown_after(transcript, "/model nosuch:thing")
    assert "model.temperature cannot be" in shown_after(transcript, "/set model.temperature 9")
    assert "rag · extractive" in shown_after(transcript, PORT)


def test_a_fine_tuned_model_of_ones_own_opens_the_other_modes(home: Path) -> None:
    transcript = converse(
        home,
        "/set answer.finetuned_model fake:",
        "/mode hybrid",
        PORT,
        "/mode finetuned",
        PORT,
        f"/compare-modes {PORT}",
    )
    assert "hybrid · fake:" in transcript
    assert "finetuned · fake:" in transcript
    compared = shown_after(transcript, f"/compare-modes {PORT}")
    assert [line.split()[0] for line in compared.splitlines() if re.match(r"(rag|finetuned|hybrid)\b", line)] == [
        "rag", "finetuned", "hybrid",
    ]  # fmt: skip


def test_compare_modes_says_why_a_mode_is_not_there(home: Path) -> None:
    compared = shown_after(converse(home, PORT, "/compare-modes"), "/compare-modes")
    assert "3000 [chunk_3]" in compared
    assert compared.count("needs a promoted model") == 2


def test_retry_asks_again_with_what_is_set_now(home: Path) -> None:
    transcript = converse(home, PORT, "/model fake:", "/retry", "/retry")
    assert "2 · rag · fake:" in transcript
    assert "3 · rag · fake:" in transcript
    assert "There is no answer yet" in converse(home, "/retry")


def test_new_and_title_and_resume(home: Path) -> None:
    transcript = converse(home, PORT, "/title Ports", "/new", "Et sa licence ?", "/resume 1", "Et sa licence ?")
    assert "searched:" not in shown_after(transcript, "Et sa licence ?")
    assert "searched:" in transcript.rpartition("› Et sa licence ?\n")[2]
    assert "Session 1, 1 turn: Ports" in transcript
    assert "There is no session 9" in converse(home, "/resume 9")


def test_chat_begins_where_the_last_one_ended(home: Path, process: Callable[..., object]) -> None:
    from commands import run

    assert run("chat", "--resume", home=home).err.startswith("dyag: There is no conversation to resume")
    run("chat", home=home, stdin=f"{PORT}\n")
    assert "searched: " in run("chat", "--resume", home=home, stdin="Et sa licence ?\n").out
    assert "searched: " in run("chat", "--session", "1", home=home, stdin="Et sa licence ?\n").out
    assert run("chat", "--session", "7", home=home).code == 1


def test_a_bare_bad_takes_back_no_reason(home: Path) -> None:
    transcript = converse(home, PORT, "/bad wrong port", "/bad", "/good", "/bad")
    assert shown_after(transcript, "/bad") == "Answer 1: rated bad, because: wrong port."
    assert transcript.rpartition("› /bad\n")[2].strip() == "Answer 1: rated bad."


def test_the_built_in_generator_is_no_fine_tuned_model(home: Path) -> None:
    transcript = converse(home, "/set answer.finetuned_model fake:", "/mode finetuned", "/model extractive", "/mode")
    assert "extractive is no fine-tuned model" in shown_after(transcript, "/model extractive")
    assert "*  finetuned" in shown_after(transcript, "/mode")


def test_messages_name_the_commands_of_the_chat(tmp_path: Path) -> None:
    transcript = converse(tmp_path / "empty", PORT, "/resume 9", "exit", "never read")
    assert "Run `/index PATH` on your documents" in transcript
    assert "`/sessions` lists them" in transcript
    assert "never read" not in transcript


def test_small_talk_is_not_searched_and_not_leaned_on(home: Path) -> None:
    transcript = converse(home, "hello", PORT, "merci", "Et sa licence ?")
    assert shown_after(transcript, "hello").startswith("Ask something")
    assert shown_after(transcript, "merci").startswith("Posez une question")
    assert "MIT [chunk_3]" in shown_after(transcript, "Et sa licence ?")


def test_a_refused_question_is_not_leaned_on(home: Path) -> None:
    lines = [PORT, "What is the capital of Peru?", "Et sa licence ?"]
    transcript = converse(home, *lines)
    assert "I can't find" in shown_after(transcript, lines[1]) or "Je ne trouve" in shown_after(transcript, lines[1])
    assert "Gitea" in shown_after(transcript, lines[2]).splitlines()[0]


def test_a_job_that_fails_says_why(home: Path) -> None:
    app = app_at(home, io.StringIO())

    def waited() -> str:
        ended(app, 1)
        return "/jobs"

    transcript = converse(home, "/index /no/such/folder", waited, app=app)
    assert "failed: There is no file or folder /no/such/folder. Check the path" in transcript


def test_help_shows_the_arguments_and_quit_needs_none(home: Path) -> None:
    transcript = converse(home, "/help", "/help bad", "/help export", "/hel", "/s", "/nope")
    assert "/export 3 --output session.md" in shown_after(transcript, "/help export")
    assert re.search(r"/search \[QUERY\]", transcript)
    assert "what is wrong" in shown_after(transcript, "/help bad").lower()
    assert "Did you mean" in shown_after(transcript, "/nope") or "Known" in shown_after(transcript, "/nope")
    assert "/search" in shown_after(transcript, "/s")


def test_a_turn_that_cannot_be_written_is_said_once_and_answered(home: Path) -> None:
    (home / "data" / "journal.sqlite3").mkdir()
    transcript = converse(home, PORT, PORT, "/good")
    assert transcript.count("nothing of this chat is kept") == 1
    assert transcript.count("3000 [chunk_3]") == 2
    assert "not recorded · rag" in transcript
    assert "not in the journal" in shown_after(transcript, "/good")


def test_ctrl_c_while_the_sources_are_shown_loses_no_turn(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("assistant.present.show_sources", interrupted)
        assert "interrupted" in converse(home, PORT)
    assert "Answer 1: rated good." in converse(home, "/resume", "/good")


def test_a_long_conversation_keeps_only_its_last_turns_in_memory(home: Path) -> None:
    app = app_at(home, io.StringIO())
    converse(home, *[PORT] * (KEPT + 5), "/sources 1", app=app)
    assert [e.number for e in app.conversation.exchanges] == list(range(6, KEPT + 6))
    assert len(app.conversation.turns()) == KEPT


def test_a_key_that_is_set_in_the_chat_is_shown_and_kept_nowhere(home: Path) -> None:
    app = app_at(home, io.StringIO())
    for line in ("/set model.api_key", '/set "model.api_key"', "/SET model.api_key", " /se  Model.API_KEY"):
        app.conversation.remember(f"{line} sk-very-secret")
    app.conversation.remember("kept")
    app.conversation.keep_lines()
    assert app.journal.lines() == ["kept"]
    transcript = converse(home, "/set model.api_key sk-very-secret", "/set", PORT, app=app)
    assert "sk-very-secret" not in transcript.replace("› /set model.api_key sk-very-secret", "")
    assert "***" in transcript
    app.journal.close()
    for file in (home / "data").rglob("*"):
        assert not file.is_file() or b"sk-very-secret" not in file.read_bytes()


def test_an_index_from_the_chat_is_a_job_beside_it(home: Path, tmp_path: Path) -> None:
    app = app_at(home, io.StringIO())
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "zulip.md").write_text("# Zulip\n\nPort : 9991\n", encoding="utf-8")

    def waited() -> str:
        ended(app, 1)
        return "/jobs"

    transcript = converse(home, f"/index {tmp_path / 'more'}", waited, "Quel port écoute Zulip ?", app=app)
    assert "Job 1 has begun" in transcript
    assert re.search(r"Job 1 \(index .*\): done", transcript)
    assert "added      1" in transcript
    assert "9991 [chunk_" in transcript


def test_what_another_process_forgets_is_leaned_on_and_kept_no_more(home: Path) -> None:
    app = app_at(home, io.StringIO())
    converse(home, PORT, app=app)
    other = Journal(home / "data" / "journal.sqlite3")
    other.forget()
    other.close()
    assert app.conversation.turns() == []
