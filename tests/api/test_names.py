"""Names of a request that are taken, and all others."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.api import names
from retrieval.errors import NotFound

BAD = [
    "", " ", ".", "..", "...", "/", "\\", "a/b", "a\\b", "../a", "a/..", "..%2fa", "a%00", "a\0", "a\n", "\na", "a\r\nSet-Cookie: x", "a b",
    "a\t", "a;b", "a|b", "a&b", "$(id)", "`id`", "a'b", 'a"b', "a<b>", "a:b", "C:", "a*", "a?", "~", "~root", "-rf", "--help", ".hidden",
    "a..b", "con", "CON", "nul", "NUL.txt", "aux.json", "com1", "LPT9.csv", "prn",
    "\u202ea", "a\u200b", "\u00e9t\u00e9", "\u0661", "\uff41",
    "\U0001f600", "\ud800", "a" * 121, "a" * 10_000, "a.", "\u212a", "\u017f", "a\x7f", "a\x85", "{a}", "a,b", "a=b", "@a", "#a", "!a",
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_a_run_has_none_of_these_names(bad: str) -> None:
    with pytest.raises(NotFound):
        names.run_name(bad)


@pytest.mark.parametrize(
    "good", ["phi-finetuned-20240115_103045", "20260101-120000-mini", "run_1", "a", "v1.2.3", "com10", "console"]
)
def test_names_as_runs_have_them_are_taken(good: str) -> None:
    assert names.run_name(good) == good


@given(st.text(max_size=30))
def test_a_run_is_one_part_of_a_path_on_every_system(text: str) -> None:
    try:
        name = names.run_name(text)
    except NotFound:
        return
    for path in (PurePosixPath("runs") / name, PureWindowsPath("runs") / name):
        assert path.name == name
        assert path.parent.name == "runs"
    assert name.isascii()
    assert name.isprintable()
