"""What any text becomes in Markdown and HTML."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from eval.report.as_html import write_html
from eval.report.as_markdown import write_markdown
from eval.report.blocks import Bullets, Code, Facts, Fold, Paragraph, Quote, Quotes, Report, Section, Table
from eval.report.charts import axis, histogram, intervals
from eval.report.figures import difference, difference_interval, interval, p_value, short, value

MARKUP = st.text(alphabet=st.sampled_from("ab1.)-+=*_`#>|[]()!<>&\\\"'~$: \t\n\r\x00é\u2028"), max_size=40)


def report(text: str) -> Report:
    """The text wherever one can stand."""
    blocks = (
        Paragraph(text),
        Paragraph(text, "warning"),
        Bullets((text,)),
        Facts(((text, text),)),
        Code(text),
        Table((text, text), ((text, text),)),
        Quotes((Quote(text, text, note=text),)),
        Fold(text, (Paragraph(text),)),
    )
    return Report(text, text, (Section(text, blocks),))


@given(MARKUP)
def test_no_text_becomes_markup_of_its_own(text: str) -> None:
    plain, marked = (_kinds(write_markdown(report(said))) for said in ("plain", text))
    assert marked <= plain | {"softbreak"}


def _kinds(markdown: str) -> set[str]:
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown)
    return {kind.type for token in tokens for kind in (token, *(token.children or ())) if kind.type != "text_special"}


@given(MARKUP.filter(bool))
def test_no_text_becomes_an_element(text: str) -> None:
    assert _elements(write_html(report(text))) == _elements(write_html(report("plain")))


def _elements(page: str) -> list[tuple[str, list[str]]]:
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag != "wbr":
                found.append((tag, [name for name, _ in attrs]))

    Reader().feed(page)
    return found


@pytest.mark.parametrize(
    ("number", "unit", "said"),
    [
        (0.4231, "share", "42.3%"),
        (1.239, "seconds", "1.24 s"),
        (250.4, "seconds", "250 s"),
        (48700, "count", "48,700"),
        (0.0000242, "dollars", "$0.0000242"),
        (0, "dollars", "$0.00"),
        (12.5, "dollars", "$12.50"),
        (85.5, "percent", "85.5%"),
        (None, "share", "–"),
        (float("inf"), "share", "–"),
        (float("nan"), "count", "–"),
    ],
)
def test_a_value_is_written_in_its_unit(number: float | None, unit: str, said: str) -> None:
    assert value(number, unit) == said


def test_differences_have_their_sign() -> None:
    assert difference(0.05, "share") == "+5.0 pts"
    assert difference(-0.05, "share") == "−5.0 pts"
    assert difference(0, "seconds") == "0 s"
    assert difference(-0.0000242, "dollars") == "−$0.000024"
    assert difference_interval(-0.012, 0.034, "share") == "−1.2 to +3.4 pts"
    assert difference_interval(-0.146, 0.00283, "count") == "−0.15 to +0.0028"
    assert difference_interval(-1234.5, 0, "count") == "−1,234 to 0"
    assert difference_interval(0, 0.0004, "share") == "0 to 0 pts"
    assert interval(0.1, None, "share") == "–"
    assert [p_value(p) for p in (None, 0.0004, 0.05)] == ["–", "< 0.001", "0.050"]


def test_a_long_question_is_one_short_line() -> None:
    assert short("a\n b") == "a b"
    assert len(short("x" * 500)) == 120


@given(
    st.floats(-1e6, 1e6, allow_nan=False),
    st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-9),
)
@example(999999.9999999999, 1e6)
def test_an_axis_holds_what_it_is_for(a: float, b: float) -> None:
    low, high, ticks = axis(min(a, b), max(a, b))
    slack = 1e-6 * (high - low)
    assert low - slack <= min(a, b) <= max(a, b) <= high + slack
    assert 2 <= len(ticks) <= 7
    assert list(ticks) == sorted(set(ticks))


@pytest.mark.parametrize("seconds", [[0.0], [0.0, 0.0], [3.0], [1e-4, 5000.0]])
def test_any_times_are_drawn(seconds: list[float]) -> None:
    assert "nan" not in histogram(seconds, (("p50", seconds[0]),), "times")


def test_no_values_are_an_empty_drawing() -> None:
    assert intervals([], 0.0, 1.0, "nothing").startswith("<svg")
