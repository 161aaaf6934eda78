"""Every metric on small cases whose score was worked out by hand."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import METRICS, Summary, score, summary, with_bert_scores
from eval.metrics.numbers import numbers, numeric_match
from eval.metrics.text import exact, normalise, token_f1
from eval.types import Case, Cited, Response, Scored
from retrieval.errors import ModelMissing
from retrieval.types import Language

PORT = Case("1", "Quel est le port ?", answers=("5432",), gold=("chunk_1", "chunk_2"), language="fr")
NONE = Case("2", "Qui est le roi ?", answerable=False)


def scored(case: Case, response: Response) -> Scored:
    return Scored(case, response, score(case, response))


def value(name: str, case: Case, response: Response) -> float | None:
    return score(case, response)[name]


# --- French-correct comparison --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "gold", "language", "same"),
    [
        ("3,5 %", "35 %", "fr", False),
        ("3,5 %", "3.50 %", "fr", True),
        ("la vitamine A", "vitamine", "fr", False),
        ("La vitamine A.", "vitamine A", "fr", True),
        ("L’été", "l'été", "fr", True),
        ("été", "ete", "fr", False),
        ("1 234 567,50 €", "1234567.5 €", "fr", True),
        ("100,000", "100000", "en", True),
        ("100,000", "100", "en", False),
        ("The vitamin A", "vitamin", "en", True),
        ("-5", "5", "fr", False),
        ("2018-05-02", "2018 05 02", "fr", True),
        ("", "", "fr", False),
    ],
)
def test_exact(said: str, gold: str, language: Language, same: bool) -> None:
    assert exact(said, [gold], language) is same


def test_token_f1_by_hand() -> None:
    # "port", "est", "5432" against "port", "5432": two in common, of three and of two
    assert token_f1("Le port est 5432", ["rien", "port 5432"], "fr") == pytest.approx(2 * 2 / (3 + 2))
    assert token_f1("a b", [], "fr") == 0


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(["fr", "en"]))
def test_token_f1_is_a_symmetric_share(one: str, other: str, language: Language) -> None:
    f1 = token_f1(one, [other], language)
    assert 0 <= f1 <= 1
    assert f1 == token_f1(other, [one], language)
    assert f1 == 1 or not exact(one, [other], language)


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("1 234,5 et 1 234,50", "fr", ["1234.5", "1234.5"]),
        ("1\u202f234 567", "fr", ["1234567"]),
        ("1,234.5 and 12,000", "en", ["1234.5", "12000"]),
        ("1,234", "fr", ["1.234"]),
        ("1,234,567", "fr", ["1234567"]),
        ("le 2018-05-02 à 14:30", "fr", ["2018-05-02", "14:30"]),
        ("02/05/2018, version 1.2.3", "fr", ["02/05/2018", "1.2.3"]),
        ("de -5 à −3 °C, 10-20", "fr", ["-5", "-3", "10", "20"]),
        ("3.50 %", "en", ["3.5"]),
        ("rien", "fr", []),
        ("x" * 10 + "12345678" + "y", "en", ["12345678"]),
    ],
)
def test_numbers(text: str, language: Language, found: list[str]) -> None:
    assert numbers(text, language) == found


def test_numeric_match_wants_every_number_of_one_gold() -> None:
    assert numeric_match("De 10 à 20 jours", ["20 à 10"], "fr") == 1
    assert numeric_match("10 jours", ["10 à 20", "10"], "fr") == 1
    assert numeric_match("10 jours", ["10 à 20"], "fr") == 0
    assert numeric_match("35 %", ["3,5 %"], "fr") == 0
    assert numeric_match("10 jours", ["dix"], "fr") is None


@given(st.text(max_size=60), st.sampled_from(["fr", "en"]))
def test_a_text_has_its_own_numbers(text: str, language: Language) -> None:
    assert numeric_match(text, [text], language) in (None, 1.0)


@given(st.integers(0, 10**12), st.sampled_from([" ", "\u00a0", "\u202f"]))
def test_grouping_changes_no_number(number: int, space: str) -> None:
    assert numbers(f"{number:,}".replace(",", space), "fr") == [str(number)]
    assert numbers(f"{number:,}", "en") == [str(number)]


# --- right answers --------------------------------------------------------------------------------------------------


def test_a_chat_answer_holds_its_value_without_being_it() -> None:
    found = score(PORT, Response("Le port est le 5432 [chunk_1]."))
    assert [found[name] for name in ("success", "exact_match", "contains", "numeric_match")] == [1, 0, 1, 1]
    assert found["f1"] == pytest.approx(2 * 1 / (3 + 1))  # port, est, 5432
    assert score(PORT, Response("5432 [chunk_1]"))["exact_match"] == 1  # citations are no part of an answer


@pytest.mark.parametrize("response", [Response("5432", refused=True), Response("5432 ?", error="timeout")])
def test_a_refusal_is_wrong_and_a_failure_is_unscored_but_no_success(response: Response) -> None:
    found = score(PORT, response)
    assert found["success"] == 0
    assert {found[name] for name in ("exact_match", "f1", "contains", "numeric_match")} == {
        None if response.error else 0
    }


def test_what_cannot_be_answered_asks_for_a_refusal_alone() -> None:
    assert value("success", NONE, Response("Je ne sais pas.", refused=True)) == 1
    assert value("success", NONE, Response("Louis.")) == 0
    assert value("contains", NONE, Response("Louis.")) is None


def test_a_case_without_a_known_answer_is_unscored() -> None:
    found = score(Case("3", "Qui ?"), Response("Moi."))
    assert [found[name] for name in ("success", "exact_match", "f1", "bleu", "rouge_l", "recall@5")] == [None] * 6


@pytest.mark.parametrize("gold", [".", "Le"])
def test_an_answer_without_a_word_to_compare_is_unscored(gold: str) -> None:
    found = score(Case("3", "Quel article ?", answers=(gold,)), Response(f"C'est {gold}"))
    assert [found[name] for name in ("success", "exact_match", "f1", "contains")] == [None] * 4
    assert value("contains", Case("3", "Quel article ?", answers=(gold, "un mot")), Response("un mot")) == 1


def test_every_value_of_a_list_is_asked_for() -> None:
    case = Case("4", "Quelles bases ?", answers=("MySQL", "Redis"), every=True)
    assert value("contains", case, Response("MySQL et Redis")) == value("success", case, Response("Redis, MySQL")) == 1
    assert value("contains", case, Response("MySQL")) == value("success", case, Response("MySQL")) == 0
    assert value("exact_match", case, Response("MySQL, Redis")) == 1
    assert value("contains", replace(case, every=False), Response("MySQL")) == 1
    assert value("success", replace(case, answers=(), expected="Les deux."), Response("MySQL")) is None


def test_a_long_reference_is_held_when_most_of_it_is_said_with_its_numbers() -> None:
    reference = "GIDAF recueille depuis 2012 les résultats de surveillance des rejets des exploitants industriels."
    case = Case("5", "À quoi sert GIDAF ?", expected=reference)
    right = "Elle recueille les résultats de la surveillance des rejets industriels depuis 2012 [chunk_1]."
    assert value("success", case, Response(right)) == 1
    assert value("success", case, Response(right.replace("2012", "2013"))) == 0
    assert value("success", case, Response("GIDAF sert à la surveillance depuis 2012.")) == 0
    assert value("contains", case, Response(right)) == 0
    short = Case("6", "Quel serveur ?", expected="Apache Tomcat 9")
    assert value("success", short, Response("Apache 9 fait cela, sans Tom.")) == 0


@pytest.mark.parametrize(
    ("gold", "said", "language", "right"),
    [
        ("Java and Scala", "Languages: Scala, Java [chunk_1].", "en", True),
        ("Java and Scala", "Java.", "en", False),
        ("Jeff Atwood, Robin Ward and Sam Saffron", "Robin Ward, Sam Saffron and Jeff Atwood", "en", True),
        ("Jeff Atwood, Robin Ward, and Sam Saffron", "Robin Ward and Jeff Atwood", "en", False),
        ("MySQL et Redis", "Bases : Redis ; MySQL", "fr", True),
        ("Ruby & Go", "Go, Ruby", "en", True),
        ("3,5", "3 ou 5", "fr", False),
        ("1,200", "200 of 1", "en", False),
        ("3,5 % et 4 %", "4 % ; 3,5 %", "fr", True),
        ("3,5 % et 4 %", "5 % ; 3 ; 4 %", "fr", False),
        ("A and B", "B", "en", False),
        ("AT&T", "AT or T", "en", False),
        ("Étretat", "état et r", "fr", False),
    ],
)
def test_a_short_list_is_held_when_every_item_is(gold: str, said: str, language: Language, right: bool) -> None:
    case = Case("7", "?", expected=gold, language=language)
    assert value("success", case, Response(said)) == right


@pytest.mark.parametrize(
    ("said", "expected", "right"),
    [
        ("Oui.", "Oui : XWiki est développé en Java.", True),
        ("Oui, XWiki est en Java [chunk_1].", "Oui : XWiki est développé en Java.", True),
        ("Oui le le serveur oui des pages oui que vous la base oui", "Oui : XWiki est développé en Java.", False),
        ("XWiki est développé en Java, oui.", "Oui : XWiki est développé en Java.", False),
        ("Non : XWiki est développé en Java.", "Oui : XWiki est développé en Java.", False),
        ("Oui, cela est dit par la page de ce logiciel.", "", True),
        ("XWiki est en Java : oui.", "XWiki en Java : oui.", True),
        ("Oui, cela est dit par la page de ce logiciel.", "Oui.", True),
    ],
)
def test_a_yes_comes_first_and_what_follows_is_not_wholly_unlike_the_reference(
    said: str, expected: str, right: bool
) -> None:
    case = Case("8", "XWiki est-il en Java ?", answers=("Oui",), every=True, expected=expected)
    assert value("success", case, Response(said)) == right
    assert value("success", replace(case, every=False), Response(said)) == right


def test_squad_scores_english_only_and_takes_a_refusal_for_the_empty_answer() -> None:
    case = Case("7", "Who won?", answers=("The Denver Broncos",), language="en")
    assert value("squad_em", case, Response("denver broncos!")) == 1
    assert value("squad_f1", case, Response("Broncos won")) == pytest.approx(2 * 1 / (2 + 2))
    assert value("squad_em", case, Response("no", refused=True)) == 0
    assert value("squad_em", replace(case, answerable=False, answers=()), Response("no", refused=True)) == 1
    assert value("squad_f1", replace(case, language="fr"), Response("Broncos")) is None


# --- citations, refusals, retrieval -----------------------------------------------------------------------------------


def test_citations_by_hand() -> None:
    response = Response(
        "Le port est 5432 [chunk_1]. Il date de 1996 [chunk_7]. Il est libre. [chunk_8]",
        cited=(Cited(("chunk_1", "a.md"), False), Cited(("chunk_7",), True), Cited(("chunk_8",), False)),
        phantom=1,
        sentences=3,
    )
    found = score(PORT, response)
    assert found["citation_precision"] == 2 / 4  # gold, supported, neither; and a phantom
    assert found["citation_recall"] == pytest.approx(1 / 3)
    assert found["support"] == pytest.approx(1 / 3)
    assert (found["cites_gold"], found["phantom_ids"]) == (1, 1)


def test_an_answer_that_cites_nothing_has_no_precision_but_no_recall_either() -> None:
    found = score(PORT, Response("Le port est 5432.", sentences=1))
    assert (found["citation_precision"], found["citation_recall"], found["cites_gold"]) == (None, 0, 0)
    assert value("citation_precision", PORT, Response("Le port [chunk_9].", phantom=2)) == 0
    assert value("cites_gold", PORT, Response("", refused=True)) is None


def test_retrieval_by_hand() -> None:
    ranks = (("chunk_9", "x.md"), ("chunk_2", "b.md"), ("chunk_2", "b.md"), ("chunk_1", "a.md"))
    found = score(PORT, Response("5432", retrieved=ranks))
    assert [found[f"recall@{k}"] for k in (1, 3, 5, 10)] == [0, 0.5, 1, 1]
    assert found["mrr@10"] == 0.5
    assert found["ndcg@10"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3)))
    assert value("recall@5", PORT, Response("5432")) is None
    assert (
        value("recall@5", PORT, Response("", refused=True, retrieved=ranks)) == 1
    )  # what was found is measured all the same


def test_the_first_gold_passage_below_the_cut_counts_nothing() -> None:
    found = score(PORT, Response("x", retrieved=(*[(f"c{i}",) for i in range(10)], ("chunk_1",))))
    assert (found["recall@10"], found["mrr@10"], found["ndcg@10"]) == (0, 0, 0)


def test_refusals_are_a_table_whose_shares_are_the_means_of_the_cases() -> None:
    said = [(NONE, True), (NONE, True), (NONE, False), (PORT, True), (PORT, False), (PORT, False), (PORT, False)]
    all_scored = [scored(case, Response("x", refused=refused)) for case, refused in said]
    all_scored.append(scored(NONE, Response("", error="lost")))
    found = summary(all_scored)
    table = found.refusals
    assert (table.refused_unanswerable, table.refused_answerable) == (2, 1)
    assert (table.answered_unanswerable, table.answered_answerable) == (1, 3)
    assert (table.precision, table.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert found.metrics["refusal_precision"].value == pytest.approx(table.precision)
    assert found.metrics["refusal_recall"].value == pytest.approx(table.recall)
    assert found.metrics["answer_rate"].value == 0.75
    assert found.metrics["refusal_recall"].unscored == 5
    assert (found.failed, found.metrics["errors"].value) == (1, 1 / 8)


def test_a_case_of_which_nothing_is_known_is_in_no_table_of_refusals() -> None:
    nothing, found_in = Case("3", "Qui ?"), Case("4", "Où ?", gold=("chunk_1",))
    for refused in (True, False):
        found = summary([scored(nothing, Response("Moi.", refused=refused))])
        table = found.refusals
        assert table.refused_answerable == table.answered_answerable == 0
        assert [found.metrics[name].n for name in ("answer_rate", "refusal_precision", "refusal_recall")] == [0] * 3
    assert value("answer_rate", found_in, Response("Ici.")) == 1


# --- semantic similarity ----------------------------------------------------------------------------------------------


def test_semantic_similarity_is_the_cosine_with_the_nearest_reference() -> None:
    vectors = {"dit": [3.0, 4.0], "un": [0.0, 2.0], "deux": [1.0, 0.0]}
    case = Case("8", "?", answers=("un", "deux"))
    found = score(case, Response("dit [chunk_3]"), lambda texts: np.array([vectors[text] for text in texts]))
    assert found["semantic"] == pytest.approx(0.8)
    assert value("semantic", case, Response("dit")) is None


@pytest.mark.parametrize("number", [0.0, math.nan, math.inf])
def test_a_vector_without_direction_is_unscored(number: float) -> None:
    case = Case("8", "?", answers=("un",))
    assert score(case, Response("dit"), lambda texts: np.full((len(texts), 2), number))["semantic"] is None


# --- many cases -------------------------------------------------------------------------------------------------------


def test_the_guides_block() -> None:
    found = summary(
        [
            scored(PORT, Response("5432", seconds=1, prompt_tokens=100, tokens=5)),
            scored(PORT, Response("Le 5432.", seconds=2, prompt_tokens=200, tokens=15)),
            scored(PORT, Response("80", seconds=3)),
            scored(NONE, Response("non", refused=True, seconds=4)),
            scored(PORT, Response("", error="lost", seconds=90)),
        ]
    )
    assert found.guides == {
        "success_rate": 60.0,
        "exact_match_rate": 66.67,  # "Le 5432." is the value too, and the failed case has no answer to compare
        "avg_time_seconds": 2.5,
        "avg_tokens": 160.0,
        "total_tokens": 320,
    }
    assert found.latency == {"p50": 2, "p95": 4, "first_token_p50": None, "first_token_p95": None}
    assert found.metrics["tokens"].unscored == 3
    assert (found.cases, found.groups) == (5, 2)


def test_what_no_case_asks_for_is_no_zero_in_the_guides_block() -> None:
    found = summary([scored(NONE, Response("non", refused=True, seconds=4))])
    assert found.guides == {
        "success_rate": 100.0,
        "exact_match_rate": None,
        "avg_time_seconds": 4.0,
        "avg_tokens": None,
        "total_tokens": None,
    }


def test_cost_is_a_sum_and_the_stop_rate_a_share() -> None:
    responses = [Response("x", cost=0.25, stopped=True), Response("x", cost=0.5, stopped=False), Response("x")]
    found = summary([scored(PORT, response) for response in responses])
    assert (found.metrics["cost"].value, found.metrics["cost"].n) == (0.75, 2)
    assert found.metrics["stop_rate"].value == 0.5


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_unscored(bad: float) -> None:
    assert value("latency", PORT, Response("5432", seconds=bad, cost=bad)) is None
    spoilt = Scored(PORT, Response("5432"), {"success": bad, "latency": bad, "bleu": bad})
    found = summary([spoilt, scored(PORT, Response("5432", seconds=2))])
    assert (found.metrics["success"].value, found.metrics["success"].unscored) == (1, 1)
    assert found.latency["p50"] == 2
    assert json.dumps(dataclasses.asdict(found), allow_nan=False)


def test_no_case_at_all() -> None:
    found = summary([])
    assert all(entry.value is None for entry in found.metrics.values())
    assert set(found.guides.values()) == {None}
    assert json.dumps(dataclasses.asdict(found), allow_nan=False)


def test_why_a_metric_is_unscored_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.metrics.bert.find_spec", lambda name: None)
    assert summary([scored(PORT, Response("5432"))]).notes == {
        "semantic": "no embedder was at hand",
        "bert_score": "the package bert-score is not installed",
    }
    assert summary([scored(NONE, Response("5432"))]).notes == {}
    with pytest.raises(ModelMissing, match="bert-score"):
        with_bert_scores([])


def test_bertscore_takes_each_language_by_itself_and_leaves_out_what_has_no_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[list[str], list[list[str]], str]] = []

    def f1(said: list[str], golds: list[list[str]], lang: str) -> tuple[None, None, list[float]]:
        calls.append((said, golds, lang))
        return None, None, [len(text) / 10 for text in said]

    monkeypatch.setattr("eval.metrics.bert.find_spec", lambda name: name)
    monkeypatch.setattr("eval.metrics.bert.import_module", lambda name: SimpleNamespace(score=f1))
    english = Case("b", "Who?", answers=("Ann", "Bob"), language="en")
    cases = [(PORT, "5432 [chunk_1]"), (english, "Ann"), (PORT, ""), (NONE, "Louis"), (PORT, "le 80")]
    found = with_bert_scores([scored(case, Response(text)) for case, text in cases])
    assert [s.scores["bert_score"] for s in found] == [0.4, 0.3, None, None, 0.5]
    assert calls == [(["5432", "le 80"], [["5432"], ["5432"]], "fr"), (["Ann"], [["Ann", "Bob"]], "en")]
    assert summary(found).metrics["bert_score"].value == pytest.approx(0.4)


RESPONSES = st.builds(
    Response, text=st.text(max_size=60), refused=st.booleans(), phantom=st.integers(0, 3), sentences=st.integers(0, 3),
    cited=st.lists(st.builds(Cited, st.tuples(st.sampled_from(["chunk_1", "chunk_7"])), st.booleans()), max_size=3).map(tuple),
    retrieved=st.lists(st.tuples(st.sampled_from(["chunk_1", "chunk_2", "x"])), max_size=12).map(tuple),
    seconds=st.floats(), cost=st.none() | st.floats(), tokens=st.none() | st.integers(0, 9), error=st.sampled_from(["", "lost"]),
)  # fmt: skip


@given(st.sampled_from([PORT, NONE, Case("9", "?"), Case("10", "?", expected="Le port 80.", language="en")]), RESPONSES)
def test_a_score_is_in_its_range_or_unscored(case: Case, response: Response) -> None:
    found = score(case, response)
    assert found.keys() == METRICS.keys()
    for name, number in found.items():
        assert number is None or math.isfinite(number), name
        assert number is None or METRICS[name].unit != "share" or 0 <= number <= 1 + 1e-9, name
    whole: Summary = summary([Scored(case, response, found)])
    assert json.dumps(dataclasses.asdict(whole), allow_nan=False)


def test_every_metric_is_said_in_one_line() -> None:
    assert all(
        metric.name == name and metric.summary and "\n" not in metric.summary for name, metric in METRICS.items()
    )
    assert normalise("a", "fr") == ["a"]
