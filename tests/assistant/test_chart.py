"""Figures over steps as a chart of text."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from assistant.terminal.chart import chart

FALLING = [(float(step), 3.0 / step) for step in range(1, 41)]


def test_a_falling_figure_falls_from_the_upper_left_to_the_lower_right() -> None:
    lines = chart({"loss": FALLING}, 40, 6).split("\n")
    assert (lines[0][:7], lines[5][:7]) == ("    3 ┤", "0.075 ┤")
    assert [line.find("┤") >= 0 for line in lines] == [True, False, False, False, False, True, False, False]
    first = [next((i for i, c in enumerate(line) if "⠀" < c <= "⣿"), None) for line in lines[:-2]]
    assert first == sorted(first, key=lambda place: place or 0)
    assert [line.split() for line in lines[-2:]] == [["1", "40"], ["⠤", "loss"]]


def test_a_second_figure_stands_as_marks_with_its_name() -> None:
    drawn = chart({"loss": FALLING, "eval loss": [(10, 1.0), (40, 0.5)]}, 50, 6)
    assert drawn.count("◆") == 3
    assert drawn.endswith("⠤ loss   ◆ eval loss")


def test_a_figure_that_stays_the_same_is_one_line() -> None:
    for last in (11.21, 11.22):
        line, axis, names = chart({"loss": [(1, 11.21), (9, last)]}, 30, 10).split("\n")
        assert line.startswith("11.2 ┤")
        assert (axis.split(), names.split()) == (["1", "9"], ["⠤", "loss"])


def test_nothing_to_draw_is_nothing() -> None:
    assert chart({}) == chart({"loss": []}) == chart({"loss": [(1.0, math.nan)]}) == ""


def test_one_point_is_drawn() -> None:
    assert chart({"loss": [(5, 0.25)]}, 20, 3).split("\n")[-2].strip() == "5"


@given(
    st.dictionaries(
        st.sampled_from(["loss", "eval loss", "lr"]), st.lists(st.tuples(st.floats(), st.floats()), max_size=20)
    ),
    st.integers(1, 90),
    st.integers(1, 12),
)
def test_any_figures_are_drawn_in_the_room_there_is(
    series: dict[str, list[tuple[float, float]]], width: int, height: int
) -> None:
    drawn = chart(series, width, height).split("\n")
    assert len(drawn) in (1, 3, max(2, height) + 2)
    assert all(len(line) <= max(width, 24) for line in drawn[:-2])
