from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eval.general import general_cases, general_score, general_scores, import_suite, suite_named
from eval.general.numbers import final_number
from eval.general.suite import KINDS, items
from eval.types import Case, Response, Scored
from retrieval.errors import BadInput, NotFound

SUITES = Path(__file__).resolve().parents[2].parent / "shared" / "regression"
ITEMS = tuple(items().values())
CASES = {case.id: case for case in general_cases()}
SAYINGS = ("inconnu", "unknown", "Je ne sais pas.", "I don't know.", "Je ne trouve pas la réponse dans les documents.")
CONSTANTS = (*SAYINGS, "", " ", "0", "6", "oui", "no", "true", "(B)", "(A) (B) (C) (D)", "{}", "[]", "null", "BONJOUR")


def score(case: Case, text: str, **more: bool) -> float | None:
    return general_score(case, Response(text, **more))


def answered(texts: dict[str, str]) -> list[Scored]:
    """The suite as it is after each case got its text."""
    return [Scored(case, Response(texts[case.id]), {}) for case in CASES.values()]


def test_the_suite_is_large_balanced_and_every_item_is_told_apart() -> None:
    assert len(ITEMS) >= 120
    assert len({item.id for item in ITEMS}) == len(ITEMS) == len({item.prompt for item in ITEMS})
    by_kind = Counter((item.kind, item.lang) for item in ITEMS)
    assert set(by_kind) == {(kind, lang) for kind in KINDS for lang in ("fr", "en")}
    assert len(set(by_kind.values())) == 1


def test_a_limit_leaves_the_suite_balanced_and_no_refusal_without_its_twin() -> None:
    some = suite_named("general", 36)
    assert some == general_cases()[:36]
    assert len(Counter((case.type, case.language) for case in some)) == len(KINDS) * 2
    assert {case.group for case in some if not case.answerable} <= {case.group for case in some if case.answerable}


def test_every_item_is_whole() -> None:
    assert all(item.wrong and item.answers and item.question.strip() == item.question for item in ITEMS)
    assert all(bool(item.pattern) == (item.score == "regex") for item in ITEMS)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_right_answers_score_and_plausible_wrong_ones_do_not(item) -> None:  # type: ignore[no-untyped-def]
    case = CASES[item.id]
    assert [score(case, answer) for answer in item.answers] == [1.0] * len(item.answers)
    assert [score(case, wrong) for wrong in item.wrong] == [0.0] * len(item.wrong)


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.id)
def test_neither_silence_nor_an_echo_nor_a_needless_refusal_scores(case: Case) -> None:
    assert score(case, "") == 0.0
    assert score(case, case.question) == 0.0
    assert score(case, f"{case.question}\n{case.question}") == 0.0
    if case.answerable:
        assert [score(case, said) for said in SAYINGS] == [0.0] * len(SAYINGS)
        assert score(case, case.expected, refused=True) == 0.0


@pytest.mark.parametrize("said", CONSTANTS)
def test_saying_always_the_same_scores_next_to_nothing(said: str) -> None:
    scores = general_scores(answered(dict.fromkeys(CASES, said)))
    assert sum(filter(None, scores.values())) / len(CASES) <= 0.03


def test_an_option_may_be_written_small() -> None:
    assert score(CASES["knowledge-en-09"], "(c)") == 1.0
    assert score(CASES["knowledge-en-09"], "(b)") == 0.0
    assert score(CASES["knowledge-en-09"], "(b) or (c)") == 0.0


def test_how_to_answer_stands_on_a_line_of_its_own_below_options() -> None:
    asked = [case.question.splitlines()[-1] for case in CASES.values() if "\n(A)" in case.question]
    assert asked
    assert all(line.startswith(("Answer ", "Réponds ")) for line in asked)


def test_a_model_that_refuses_everything_scores_zero_and_one_that_never_does_loses_its_refusals() -> None:
    always = [Scored(case, Response("unknown", refused=True), {}) for case in CASES.values()]
    assert set(general_scores(always).values()) == {0.0}
    never = answered({case.id: case.expected if case.answerable else "1998" for case in CASES.values()})
    assert {i for i, right in general_scores(never).items() if not right} == {
        case.id for case in CASES.values() if not case.answerable
    }
    best = answered({case.id: case.expected for case in CASES.values()})
    assert set(general_scores(best).values()) == {1.0}


def test_items_with_one_passage_are_one_group_and_others_stand_alone() -> None:
    by_group: dict[str, list[Case]] = {}
    for case in CASES.values():
        by_group.setdefault(case.group, []).append(case)
    twins = [cases for cases in by_group.values() if len(cases) > 1]
    assert all(sorted(case.answerable for case in cases) == [False, True] for cases in twins)
    assert len(twins) == sum(not case.answerable for case in CASES.values()) > 0
    assert len(by_group) > 100


def test_no_answer_is_unscored_and_other_cases_are_not_ours() -> None:
    case = CASES["arithmetic-fr-01"]
    assert general_score(case, Response("", error="the server went away")) is None
    assert score(replace(case, id="x", answers=()), "85") is None
    guess = "Inconnu, mais sans doute 18 heures"
    assert score(CASES["refusals-fr-02"], guess, refused=True) == 0.0  # whatever the product takes it for
    with pytest.raises(BadInput, match="general suite"):
        score(replace(case, type="definition"), "85")


def test_answers_may_come_in_a_sentence_where_the_scorer_allows_it() -> None:
    assert score(CASES["arithmetic-fr-01"], "47 + 38 = 85.") == 1.0
    assert score(CASES["knowledge-fr-05"], "La réponse est (C).") == 1.0
    assert score(CASES["knowledge-en-05"], "B) nitrogen") == 1.0
    for said in ("b", "**B**", "Option B.", "The answer is B", "B nitrogen", "Answer: (B) nitrogen"):
        assert score(CASES["knowledge-en-05"], said) == 1.0
    assert score(CASES["knowledge-fr-09"], "B la baleine") == 1.0
    assert score(CASES["knowledge-en-11"], "A cold season") == score(CASES["knowledge-en-05"], "Because") == 0.0
    assert score(CASES["knowledge-en-05"], "A gas that plants need") == 0.0
    assert score(CASES["formats-fr-01"], '```json\n{"nombre": 4, "fruit": "Poire"}\n```') == 1.0
    assert score(CASES["formats-fr-01"], 'Voici : {"fruit": "poire", "nombre": 4}') == 0.0
    assert score(CASES["refusals-fr-02"], "Le texte n'en parle pas.") == 1.0
    assert score(CASES["refusals-fr-02"], "Non précisé.") == 1.0
    assert score(CASES["refusals-fr-02"], "Aucune information.") == 1.0
    assert score(CASES["refusals-en-02"], "Not specified.") == 1.0
    assert score(CASES["refusals-fr-02"], "Ce n’est pas précisé dans le texte.") == 1.0
    assert score(CASES["refusals-en-02"], "The text doesn’t say how deep it is.") == 1.0


# Numbers


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9), st.sampled_from(["fr", "en"]), st.data())
def test_a_wrong_number_never_scores_and_the_right_one_does(
    right: int, said: int, lang: str, data: st.DataObject
) -> None:
    case = Case(id="x", question="?", answers=(str(right),), language=lang, type="general.sums")  # type: ignore[arg-type]
    form = data.draw(st.sampled_from(FORMS[lang]))
    assert score(case, form(said)) == float(right == said)
    assert score(case, form(right)) == 1.0


@given(st.sampled_from([item for item in ITEMS if item.score == "number"]), st.decimals(-(10**6), 10**6, places=2))
def test_no_other_number_answers_an_item_of_the_suite(item, said: Decimal) -> None:  # type: ignore[no-untyped-def]
    assume(said != final_number(item.answers[0], item.lang))
    written = str(said).replace(".", "," if item.lang == "fr" else ".")
    assert score(CASES[item.id], written) == score(CASES[item.id], f"= {written} !") == 0.0


FORMS = {
    "fr": [
        str,
        lambda n: f"Il en reste **{n}**.",
        lambda n: f"{n:_}".replace("_", "\u202f") + " euros",
        lambda n: f"3 + 4 = 7, donc {n},00",
        lambda n: f"#### {n}\n(voir 12)",
    ],
    "en": [
        str,
        lambda n: f"The answer is {n}.",
        lambda n: f"${n:,}".replace("$-", "-$"),
        lambda n: f"\\boxed{{{n}}} of 9",
    ],
}
FORMS["en"][2] = lambda n: f"in all {n:,}.00 pounds"


@pytest.mark.parametrize(
    ("text", "lang", "number"),
    [
        ("1,234", "en", "1234"), ("1,234", "fr", "1.234"), ("3,5", "en", "3.5"), ("1 234,5", "fr", "1234.5"),
        ("1.234.567", "fr", "1234567"), ("12-5=7", "en", "7"), ("- 5", "fr", "5"), ("−5", "fr", "-5"), ("2e3", "en", "2000"),
        ("1/2", "en", None), ("5²", "en", None), ("5^2", "en", None), ("5 millions", "fr", None), ("1.2.3", "en", None),
        ("H2O", "en", None), ("22:25", "en", None), ("Answer:25", "en", "25"), ("sept", "fr", None), ("1,2345", "en", "1.2345"),
        ("17 km.", "fr", "17"), ("10 %", "fr", "10"),
        ("7\nin all", "en", None), ("7\n8\n", "en", "8"),
    ],
)  # fmt: skip
def test_numbers_are_read_as_the_language_writes_them(text: str, lang: str, number: str | None) -> None:
    assert final_number(text, lang) == (None if number is None else Decimal(number))  # type: ignore[arg-type]


@given(st.text(alphabet="0123456789.,/-−eE+^²#\\{} \u202f\nax"), st.sampled_from(["fr", "en"]))
def test_any_text_is_a_number_or_none(text: str, lang: str) -> None:
    found = final_number(text, lang)  # type: ignore[arg-type]
    assert found is None or found == found


@given(st.text(), st.sampled_from(list(CASES.values())))
def test_any_text_gets_a_score(text: str, case: Case) -> None:
    assert score(case, text) in (0.0, 1.0)


# Suites of others


@pytest.mark.skipif(not SUITES.is_dir(), reason="the suites of others are not here")
def test_real_suites_are_read_whole_and_their_own_answers_score() -> None:
    cases = import_suite(SUITES)
    counted = Counter(case.type for case in cases)
    assert counted == {
        "general.gsm8k-test": 1319, "general.mgsm_fr": 250, "general.boolean_expressions": 250,
        "general.date_understanding": 250, "general.object_counting": 250,
    }  # fmt: skip
    assert len({case.id for case in cases}) == len(cases)
    assert {score(case, case.answers[0]) for case in cases} == {1.0}
    assert {score(case, case.expected) for case in cases if case.type == "general.gsm8k-test"} == {1.0}
    assert {score(case, case.question) for case in cases} == {0.0}
    assert not any("canary" in f"{case}".casefold() for case in cases)


@pytest.mark.skipif(not SUITES.is_dir(), reason="the suites of others are not here")
def test_a_problem_and_its_translation_are_one_group() -> None:
    english, french = (import_suite(SUITES / name) for name in ("gsm8k-test.jsonl", "mgsm_fr.tsv"))
    pairs = list(zip(english, french, strict=False))
    assert len(pairs) == 250
    assert all(a.group == b.group and a.answers == b.answers for a, b in pairs)


def test_small_suites_of_every_form_are_read(tmp_path: Path) -> None:
    write(tmp_path / "gsm8k.jsonl", json.dumps({"question": "Two and two?", "answer": "2 + 2 = 4\n#### 4"}), "")
    write(tmp_path / "mgsm_fr.tsv", "Deux et deux ?\t4", "Mille et un ?\t1,001")
    examples = [{"input": "1\n(A) x\n(B) y", "target": "(B)"}, {"input": "not True is", "target": "False"}]
    write(tmp_path / "task.json", json.dumps({"canary": "never", "examples": examples}))
    write(tmp_path / "notes.md", "not a suite")
    cases = {case.id: case for case in import_suite(tmp_path)}
    assert list(cases) == ["gsm8k-1", "mgsm_fr-1", "mgsm_fr-2", "task-1", "task-2"]
    assert score(cases["mgsm_fr-2"], "1001") == 1.0
    assert [score(cases["task-1"], said) for said in ("B", "(B) y", "(A)", "(A) or (B)")] == [1.0, 1.0, 0.0, 0.0]
    assert [score(cases["task-2"], said) for said in ("False.", "True", "True or False")] == [1.0, 0.0, 0.0]
    assert len(import_suite(tmp_path, limit=1)) == 3
    assert suite_named(f"general:{tmp_path}", 1) == import_suite(tmp_path, limit=1)
    assert suite_named(f"{tmp_path}") is None


BAD = {
    "a.jsonl": [
        ("{", "line 1: not valid JSON"),
        ('{"question": "q", "answer": "#### 1"}\n{"question": "q"}', "line 2: no text under `answer`"),
        ('{"question": "q", "answer": "4"}', "line 1: the answer has no"),
        ('{"question": "q", "answer": "#### four"}', "line 1: `#### four` does not end with a number"),
        ("[1]", "line 1: no text under `question`"),
        ("", "holds no case"),
    ],
    "b.tsv": [("q\t4\nno tab", "line 2: not a question"), ("q\tfour", "line 1: `four` does not end with a number")],
    "c.json": [
        ("[]", "no list `examples`"),
        (
            '{"examples": [{"input": "q", "target": "1"}, {"input": 3, "target": "1"}]}',
            "example 2: no text under `input`",
        ),
        ('{"examples": []}', "holds no case"),
    ],
    "d.csv": [("question,answer", "no suite that is known")],
}


@pytest.mark.parametrize(("name", "text", "said"), [(n, *case) for n, cases in BAD.items() for case in cases])
def test_a_bad_suite_is_refused_with_file_and_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    write(tmp_path / name, text)
    with pytest.raises(BadInput, match=said) as raised:
        import_suite(tmp_path / name)
    assert name in raised.value.message
    assert raised.value.hint


def test_a_suite_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        import_suite(tmp_path / "none.json")
    with pytest.raises(BadInput, match="holds no suite"):
        import_suite(tmp_path)
    (tmp_path / "a.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not UTF-8"):
        import_suite(tmp_path)


@given(name=st.sampled_from(["x.jsonl", "x.tsv", "x.json"]), data=st.binary(max_size=200))
def test_any_bytes_are_cases_or_refused(tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / name
    file.write_bytes(data)
    try:
        read = import_suite(file)
    except BadInput as error:
        read = (error.message,)  # type: ignore[assignment]
    assert read


def write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines), encoding="utf-8")
