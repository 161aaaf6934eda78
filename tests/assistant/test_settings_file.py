"""Single values of dyag.toml are changed; everything else in it stays, byte for byte."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.settings_file import Value, edited
from retrieval.errors import BadSetting

CHANGE: dict[str, Value] = {"search.top_k": 5}
FILES = {
    "": "[search]\ntop_k = 5\n",
    "# mine\n": "# mine\n\n[search]\ntop_k = 5\n",
    "# no end of line": "# no end of line\n\n[search]\ntop_k = 5\n",
    "[search]\ntop_k = 10  # ten\n": "[search]\ntop_k = 5  # ten\n",
    "[search]\n# top_k = 7\ntop_k=10": "[search]\n# top_k = 7\ntop_k=5",
    "[ search ] # how\n\n[model]\nseed = 1\n": "[ search ] # how\ntop_k = 5\n\n[model]\nseed = 1\n",
    "[search]\ncandidates = 50\n# last\n\n[model]\n": "[search]\ncandidates = 50\n# last\ntop_k = 5\n\n[model]\n",
    "[search]\ncandidates = 50": "[search]\ncandidates = 50\ntop_k = 5",
    "[search]\r\ncandidates = 50\r\n": "[search]\r\ncandidates = 50\r\ntop_k = 5\r\n",
    "search.top_k = 10\n[model]\nseed = 1\n": "search.top_k = 5\n[model]\nseed = 1\n",
    "[model]\ntop_k = 3\n": "[model]\ntop_k = 3\n\n[search]\ntop_k = 5\n",
}


@pytest.mark.parametrize("before", FILES)
def test_only_the_value_changes(before: str) -> None:
    assert edited(before, CHANGE) == FILES[before]


@pytest.mark.parametrize("before", [text for text in FILES if "top_k" not in tomllib.loads(text).get("search", {})])
def test_a_value_that_was_put_in_can_be_taken_out(before: str) -> None:
    after = tomllib.loads(edited(edited(before, CHANGE), {"search.top_k": None}))
    assert after.get("search", {}) == tomllib.loads(before).get("search", {})


def test_none_is_nothing_to_take_out() -> None:
    assert edited("# x\n", {"search.top_k": None}) == "# x\n"
    assert edited("[search]\ntop_k = 3\n", {"search.top_k": None}) == "[search]\n"


def test_a_text_is_put_back_as_one() -> None:
    assert edited("", {"search.dense_weight": "none"}) == '[search]\ndense_weight = "none"\n'


@pytest.mark.parametrize(
    "text",
    [
        "search = { top_k = 10 }\n",
        'search."top_k" = 10\n',
        "search.candidates = 10\n",
        "note = '''\n[search]\ntop_k = 1\n'''\n",
        "[search]\ntop_k = 10\ntop_k = 11\n",
    ],
)
def test_what_cannot_be_changed_safely_is_refused(text: str) -> None:
    with pytest.raises(BadSetting) as refused:
        edited(text, CHANGE)
    assert refused.value.hint == "Set it by hand: search.top_k = 5."


LINES = st.sampled_from(
    ["", "# a comment", "top_k = 3", "candidates = 7 # seven", 'name = "[search]"', "[search]", "[model]", "[answer]",
     "search.top_k = 1", "  refuse_below = 0.5", "x = [", "]", "'''"]
)  # fmt: skip


@example(["", "# a comment"], "\r\n", 5)
@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n"]), st.sampled_from([None, 5, 0.25]))
def test_whatever_the_file_it_says_the_change_and_nothing_else(lines: list[str], end: str, value: Value) -> None:
    before = end.join(lines)
    try:
        after = edited(before, {"answer.refuse_below": value})
    except BadSetting:
        return
    said, was = tomllib.loads(after), tomllib.loads(before)
    assert said.get("answer", {}).pop("refuse_below", None) == value
    was.get("answer", {}).pop("refuse_below", None)
    assert {k: v for k, v in said.items() if v != {}} == {k: v for k, v in was.items() if v != {}}
    # A last line that nothing ended is ended like the others.
    assert [line for line in before.splitlines() if "#" in line] == [line for line in after.splitlines() if "#" in line]
