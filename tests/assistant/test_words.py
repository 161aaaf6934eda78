"""Words as people type them: questions without quotes, options in the wrong place, help about one command."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import indexed_sheets, run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed_sheets(tmp_path_factory.mktemp("words"), cheap=True)


def test_a_question_needs_no_quotes(home: Path) -> None:
    bare = run("search", "port", "de", "Gitea", "--top-k", "1", "--json", home=home, cheap=True)
    assert bare.json["query"] == "port de Gitea"


def test_a_global_option_after_the_command_is_told_where_to_go(home: Path) -> None:
    ran = run("status", "--home", str(home), home=home)
    assert ran.code == 2
    assert "It goes before the command: dyag --home FOLDER --set KEY=VALUE status …" in ran.err


@pytest.mark.parametrize("setting", ["foo.bar=1", "search.top_k=abc"])
def test_a_wrong_setting_is_told_by_a_command_that_reads_none(home: Path, setting: str) -> None:
    ran = run("--set", setting, "status", home=home)
    assert (ran.code, ran.out) == (1, "")
    assert setting.split("=")[0].split(".")[-1] in ran.err


def test_forgetting_and_rebuilding_do_not_go_together(home: Path) -> None:
    ran = run("index", "--forget", "--rebuild", home / "docs", home=home, cheap=True)
    assert (ran.code, ran.out) == (2, "")
    assert "Forget first" in ran.err
    assert '"documents": 6' in run("status", "--json", home=home).out


def test_help_about_one_command_in_the_chat(home: Path) -> None:
    ran = run("chat", home=home, cheap=True, stdin="/help source\n")
    assert (ran.code, ran.err) == (0, "")
    assert "/source" in ran.out
    assert "--json" in ran.out
