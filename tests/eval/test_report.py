"""Reports of an evaluation and of a comparison: whole, escaped, the same each time, and asking nothing of any other place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from evaluated import cases, evaluation, mixed, right, wrong

from eval.compare import compare
from eval.report import comparison_html, comparison_markdown, html, markdown
from eval.report.estimates import estimate
from eval.types import Case, Evaluation, Identity, Response

HOSTILE = """</blockquote><script>fetch('http://x')</script><img src="http://x/a.png" onerror=alert(1)> | a | b |
# no heading
- no item
1. no number
![image](http://x/b.png) [link](javascript:alert(1)) `code` **bold** &lt; " ' \x00 \x9b\ud800"""
VOID = {"meta", "link", "img", "br", "hr", "input", "wbr"}


class Page(HTMLParser):
    """Reads a page strictly: every tag is closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    @property
    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags}


def failing(i: int, case: Case) -> Response:
    return Response("", error="The server did not answer.") if i == 5 else mixed(4)(i, case)


def pair() -> tuple[Evaluation, Evaluation]:
    asked = cases(48, 8)
    return evaluation("base", mixed(3), asked), evaluation("tuned", mixed(11), asked, mode="finetuned")


def hostile() -> Evaluation:
    """Every text that anybody could have written is hostile, in wrong answers, so that all of it is shown."""
    asked = [
        replace(case, id=f"{HOSTILE}{i}", question=HOSTILE, answers=(f"{HOSTILE}!",), expected=HOSTILE, type=HOSTILE, group=f"{HOSTILE}{i}")
        for i, case in enumerate(cases(16))
    ]  # fmt: skip
    bad = evaluation("h", lambda i, case: Response(HOSTILE, error=HOSTILE if i % 2 else ""), asked)
    identity = replace(
        bad.identity, mode=HOSTILE, model=HOSTILE, cases=HOSTILE, command=HOSTILE, settings={HOSTILE: HOSTILE}
    )
    return replace(bad, identity=identity)


def written() -> dict[str, Callable[[], str]]:
    a, b = pair()
    both, identities = compare([a, b]), [a.identity, b.identity]
    h = hostile()
    hostiles = compare([h, replace(h, identity=replace(h.identity, id="other", model=f"{HOSTILE}2"))])
    return {
        "evaluation": lambda: html(evaluation("base", failing)),
        "comparison": lambda: comparison_html(both, identities, "dyag compare a b"),
        "hostile": lambda: html(h),
        "hostile comparison": lambda: comparison_html(hostiles, [h.identity], HOSTILE),
    }


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: write() for name, write in written().items()}


KINDS = ("evaluation", "comparison", "hostile", "hostile comparison")


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_asks_nothing_of_any_other_place(pages: dict[str, str], kind: str) -> None:
    page = Page(pages[kind])
    assert not page.names & {"script", "img", "iframe", "object", "embed", "form", "base", "video", "audio"}
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert not attributes.keys() & {"src", "srcset", "style", "action", "xlink:href"}
        if "href" in attributes:
            assert re.fullmatch(r"#part-\d+|data:,", attributes["href"] or ""), (tag, attributes)
    (style,) = re.findall(r"<style>(.*?)</style>", pages[kind], re.DOTALL)
    assert not re.search(r"url\(|@import|@font-face", style)
    assert "default-src 'none'" in pages[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_headings_go_down_one_level_at_a_time_and_links_lead_somewhere(pages: dict[str, str], kind: str) -> None:
    page = Page(pages[kind])
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert [f"#{name}" for name in ids] == links


@pytest.mark.parametrize("kind", KINDS)
def test_every_drawing_says_in_words_what_it_shows(pages: dict[str, str], kind: str) -> None:
    drawings = [attributes for tag, attributes in Page(pages[kind]).tags if tag == "svg"]
    assert all(drawing["role"] == "img" and drawing["aria-label"] for drawing in drawings)
    assert drawings or kind == "hostile comparison"
    assert not re.search(r"\b(?:nan|inf)\b", "".join(re.findall("<svg.*?</svg>", pages[kind], re.DOTALL)))


def test_hostile_text_is_shown_and_does_nothing(pages: dict[str, str]) -> None:
    for kind in ("hostile", "hostile comparison"):
        page = Page(pages[kind])
        assert "<script>fetch('http://x')</script>" in page.words
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", pages[kind])


def test_no_answer_turns_the_text_around() -> None:
    made = evaluation("base", lambda i, case: Response("before \u202eafter"), cases(8))
    assert "before \ufffdafter" in Page(html(made)).words


def test_the_same_evaluation_makes_the_same_bytes() -> None:
    first, second = ({name: write() for name, write in written().items()} for _ in range(2))
    assert first == second
    assert markdown(evaluation("base", failing)) == markdown(evaluation("base", failing))


def test_a_report_holds_all_that_was_measured() -> None:
    made = evaluation("base", failing)
    for text in (markdown(made).replace("\\", ""), Page(html(made)).words):
        assert "48 cases about 12 documents, 2026-11-04 10:15" in text
        for part in ("Result", "Every metric", "Refusals", "Time", "By type and language", "Worst answers", "Errors"):
            assert part in text
        for known in (made.identity.id, "fake:base", "c" * 64, "d" * 64, "g-0007", "search.top_k 10", "python 3.11.2"):
            assert known in text
        assert made.identity.command in text
        assert "1 case got no answer" in text
        assert "The server did not answer." in text
        assert "success_rate" in text
        assert "It is port 1 [chunk_999]." in text
        assert "Unscored in every case: semantic" in text


def test_figures_are_those_of_the_answers() -> None:
    text = markdown(evaluation("base", mixed(4)))
    assert "**75.0% right" in text
    (row,) = (line for line in text.splitlines() if line.startswith("| success |"))
    assert re.fullmatch(r"\| success \| 75\.0% \| [\d.]+% to [\d.]+% \| 48 \| 0 \| .* \|", row)
    low, high = map(float, re.findall(r"([\d.]+)% to ([\d.]+)%", row)[0])
    assert low < 75 < high
    assert "| en | 24 | 6 | 100.0%" in text  # every fourth is French
    assert "| fr | 24 | 6 | 50.0%" in text


def test_answers_that_are_all_right_are_no_proof_of_certainty() -> None:
    (row,) = (line for line in markdown(evaluation("base", right)).splitlines() if line.startswith("| success |"))
    low, high = map(float, re.findall(r"([\d.]+)% to ([\d.]+)%", row)[0])
    assert 60 < low < 97
    assert high == 100


def test_one_wrong_answer_more_makes_an_interval_no_shorter() -> None:
    widths = []
    for wrongs in (0, 1):
        scored = evaluation("base", lambda i, case: (wrong if i < wrongs else right)(i, case), cases(16, 8)).scored  # noqa: B023
        made = estimate("success", scored)
        assert made
        widths.append((made.high or 0) - (made.low or 0))
    assert widths[0] < widths[1]


@pytest.mark.parametrize("say", [mixed(4), right, wrong])
def test_one_document_gives_no_interval_and_a_warning(say: Callable[[int, Case], Response]) -> None:
    text = markdown(evaluation("base", say, cases(8, 1)))
    assert "about 1 document only" in text
    assert re.search(r"^\| success \| \d+\.0% \| – \|", text, re.MULTILINE)


def test_where_nothing_is_known_nothing_is_called_right_or_wrong() -> None:
    asked = [Case(id=str(i), question="Why?", group=f"d{i}") for i in range(8)]
    made = evaluation("base", lambda i, case: Response("Because."), asked)
    text = markdown(made)
    assert "no case has a known answer" in text
    assert "No answer was found wrong" not in text
    assert "| success_rate | – |" in text
    assert (
        "0%" not in Page(html(made)).words.partition("What was answered and what was refused")[2].partition("Time")[0]
    )


def test_a_judge_is_uncalibrated_until_its_agreement_says_otherwise() -> None:
    made = evaluation("base")
    judged = replace(made, scored=tuple(replace(s, scores={**s.scores, "judge": 1.0}) for s in made.scored))
    assert "judge is uncalibrated" in markdown(judged)
    assert "judge is uncalibrated" not in markdown(made)
    settings = {"judge": {"calibrated": True, "kappa": 0.8, "labels": 40}}
    known = replace(judged, identity=replace(judged.identity, settings=settings))
    assert "kappa 0.80 over 40 answers" in markdown(known)
    assert re.search(r"^\| judge \| 100\.0%", markdown(known), re.MULTILINE)


def test_figures_of_another_program_are_a_report_without_cases() -> None:
    stated = Evaluation(Identity("results_rag", "", "", "", "", "", 0), (), {"success_rate": 85.5, "avg_tokens": None})
    text = markdown(stated)
    assert "# Evaluation of results_rag" in text
    assert "| success_rate | 85.5 |" in text
    assert Page(html(stated)).words.count("85.5") == 1


@pytest.mark.parametrize("asked", [cases(1), cases(4)[3:]])
def test_a_single_case_of_any_kind_has_a_report(asked: list[Case]) -> None:
    for say in (right, wrong, lambda i, case: Response("", error="It broke.")):
        made = evaluation("one", say, asked)
        assert Page(html(made)).words
        assert markdown(made)


def test_a_comparison_holds_all_that_it_rests_on() -> None:
    a, b = pair()
    command = "dyag compare a b --output evaluation/comparison"
    made = compare([a, b])
    for text in (
        comparison_markdown(made, [a.identity, b.identity], command).replace("\\", ""),
        Page(comparison_html(made, [a.identity, b.identity], command)).words,
    ):
        assert "48 cases about 8 documents" in text
        assert "Use finetuned." in text
        for part in ("Metric by metric", "How sure that is", "By type and language", "Answers side by side"):
            assert part in text
        broken, fixed = len(made.pairs[0].broken), len(made.pairs[0].fixed)
        assert min(broken, fixed) > 0
        assert f"Newly broken ({broken})" in text
        assert f"Newly right ({fixed})" in text
        assert "no detectable difference" in text
        assert command in text
        for identity in (a.identity, b.identity):
            assert identity.id in text
            assert identity.command in text
        assert all(one.question in text for one in made.answers)


def test_too_few_documents_are_said_to_decide_nothing() -> None:
    asked = cases(20, 5)
    made = compare([evaluation("a", mixed(2), asked), evaluation("b", right, asked, mode="hybrid")])
    text = comparison_markdown(made)
    assert "The figures decide for none of them." in text
    assert "5 documents" in text
    assert "hybrid is better" not in text


def test_commands_in_a_sentence_are_set_as_commands() -> None:
    asked = cases(20, 5)
    made = compare([evaluation("a", mixed(2), asked), evaluation("b", right, asked, mode="hybrid")])
    assert "<code>dyag gen-dataset</code>" in comparison_html(made)
    assert "`dyag gen-dataset`" in comparison_markdown(made)
    assert "\\`" not in comparison_markdown(made)


def test_three_sides_are_told_pair_by_pair() -> None:
    asked = cases(24, 6)
    sides = [evaluation(mode, mixed(n), asked, mode=mode) for mode, n in (("rag", 3), ("finetuned", 5), ("hybrid", 9))]
    text = comparison_html(compare(sides))
    for title in ("rag → finetuned", "rag → hybrid", "finetuned → hybrid"):
        assert f"<h2>Metric by metric: {title}</h2>" in text


def test_figures_only_are_compared_without_a_claim() -> None:
    sides = [
        Evaluation(Identity(name, "", "", "", "", "", 0), (), {"success_rate": rate, "avg_time_seconds": 2.15})
        for name, rate in (("rag", 85.5), ("ft", 80.0))
    ]
    text = comparison_markdown(compare(sides))
    assert "Figures only, without their cases" in text
    assert re.search(r"^\| success_rate \| 85\.5% \| 80\.0% \| −5\.5 pts \|", text, re.MULTILINE)
    assert "ft is better" not in text
    assert "rag is better" not in text
