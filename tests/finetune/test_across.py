"""Questions over several documents, and near misses: what is said of all is true of all."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from sources import catalogue, document, rng

from finetune.generate.across import Across, comparisons, lists
from finetune.generate.fields import fields
from finetune.generate.missing import near_misses
from finetune.sources import SourceDocument
from retrieval.types import Language


def sheet(number: int, title: str, **metadata: object) -> SourceDocument:
    return document(title=title, number=number, metadata=metadata)


SHEETS = (
    sheet(1, "Redis", licence="BSD", port="6379", creation="2009-04-10"),
    sheet(2, "Gitea", licence="MIT", port="3000", creation="2016-12-01"),
    sheet(3, "Grafana", licence="AGPL", port="3000", creation="2014-01-19"),
    sheet(4, "Caddy", licence="MIT", port="80", creation="2015-04-28"),
)


def compared(tmp_path: Path, key: str) -> list[Across]:
    known = catalogue(tmp_path, *SHEETS)
    field = next(f for f in fields(SHEETS[0]) if f.key == key)
    return [c for seed in range(40) for c in comparisons(SHEETS[0], field, known, "train", rng(seed))]


def test_a_comparison_cites_both(tmp_path: Path) -> None:
    for made in compared(tmp_path, "licence"):
        other = SHEETS[made.documents[1] - 1]
        assert made.chunks == (1, other.id)
        assert "Redis" in made.question
        assert other.title in made.question
        assert re.search(rf"BSD.*\[chunk_1\].*{fields(other)[0].value} \[chunk_{other.id}\]", made.answer)
        assert not made.answer.startswith("Oui")


def test_what_is_the_same_is_said_so(tmp_path: Path) -> None:
    known = catalogue(tmp_path, *SHEETS)
    field = next(f for f in fields(SHEETS[1]) if f.key == "licence")
    made = [c for seed in range(60) for c in comparisons(SHEETS[1], field, known, "train", rng(seed))]
    same = [c for c in made if "Caddy" in c.question]
    assert same
    assert all(c.answer.startswith("Oui") and "MIT" in c.answer for c in same)
    assert all(not c.answer.startswith("Oui") for c in made if "Caddy" not in c.question)


def test_the_earlier_of_two_dates(tmp_path: Path) -> None:
    sheets = [sheet(1, "Redis", date_de_creation="2009-04-10"), sheet(2, "Gitea", date_de_creation="2016-12-01")]
    known = catalogue(tmp_path, *sheets)
    for first in sheets:
        (field,) = fields(first)
        made = [c for c in comparisons(first, field, known, "train", rng()) if c.form.startswith("compare.older")]
        assert made
        assert made[0].answer.endswith("C'est donc Redis.")


def test_values_that_are_neither_the_same_nor_apart_are_not_compared(tmp_path: Path) -> None:
    sheets = [sheet(1, "Redis", langage="C"), sheet(2, "Gitea", langage="C et Go")]
    known = catalogue(tmp_path, *sheets)
    assert not list(comparisons(sheets[0], fields(sheets[0])[0], known, "train", rng()))


def listed(
    tmp_path: Path, sheets: tuple[SourceDocument, ...], who: int, key: str, split: str = "train"
) -> list[Across]:
    known = catalogue(tmp_path, *sheets, split=split)
    field = next(f for f in fields(sheets[who]) if f.key == key)
    return [c for seed in range(40) for c in lists(sheets[who], field, known, "train", rng(seed))]


def test_an_open_list_holds_every_document_that_says_so(tmp_path: Path) -> None:
    made = [c for c in listed(tmp_path, SHEETS, 1, "licence") if "closed" not in c.form]
    assert made
    for one in made:
        assert one.documents == (2, 4)
        assert "Gitea [chunk_2] et Caddy [chunk_4]" in one.answer


def test_an_open_list_is_asked_only_where_all_of_it_is_in_one_split(tmp_path: Path) -> None:
    known = catalogue(tmp_path, *SHEETS)
    known._db.execute("UPDATE stated SET split='test' WHERE document=4")
    field = next(f for f in fields(SHEETS[1]) if f.key == "licence")
    assert not [c for c in lists(SHEETS[1], field, known, "train", rng()) if "closed" not in c.form]


def test_a_closed_list_names_who_has_it_among_those_named(tmp_path: Path) -> None:
    made = [c for c in listed(tmp_path, SHEETS, 2, "port") if "closed" in c.form]
    assert made
    for one in made:
        cited = {int(n) for n in re.findall(r"chunk_(\d+)", one.answer)}
        named = {s.id for s in SHEETS if s.title in one.question}
        assert cited == named & {2, 3}, "those named whose port is 3000"
        assert len(named) >= 3


def test_near_misses_ask_what_others_say_and_this_one_does_not(tmp_path: Path) -> None:
    sheets = (*SHEETS, sheet(5, "Etcd", port="2379"))
    known = catalogue(tmp_path, *sheets)
    asked = [a.question for a in near_misses(sheets[-1], known, "Je ne sais pas.", rng())]
    assert any("licence" in question for question in asked)
    assert not any("port" in question for question in asked)
    assert all("Etcd" in question for question in asked)


@pytest.mark.parametrize("text", ["Distribué sous licence libre.", "Open source depuis 2013.", "License: MIT"])
def test_what_the_text_may_say_in_other_words_is_no_near_miss(tmp_path: Path, text: str) -> None:
    made = document(text, title="Etcd", number=9)
    known = catalogue(tmp_path, *SHEETS, made)
    assert not any("licence" in a.question for a in near_misses(made, known, "…", rng()))


def test_a_name_that_two_documents_have_is_ambiguous(tmp_path: Path) -> None:
    twins = (sheet(1, "Redis", licence="BSD", port="1"), sheet(2, "redis", licence="MIT", port="1"))
    known = catalogue(tmp_path, *twins)
    licence, port = fields(twins[0])
    assert known.namesakes(twins[0]) == 2
    assert known.is_ambiguous(twins[0], licence)
    assert not known.is_ambiguous(twins[0], port)


def test_what_another_document_tells_of_it_is_no_near_miss(tmp_path: Path) -> None:
    lacking = sheet(5, "Etcd", port="2379")
    told = document("Etcd est sous licence Apache.", title="Comparatif", number=6)
    other = document("Etcd est rapide.", title="Comparatif", number=6)
    for said, expected in ((told, False), (other, True)):
        (tmp_path / str(expected)).mkdir()
        known = catalogue(tmp_path / str(expected), *SHEETS, lacking, said)
        assert any("licence" in a.question for a in near_misses(lacking, known, "…", rng())) is expected


def test_what_is_left_around_the_things_of_a_document_lacks_nothing(tmp_path: Path) -> None:
    rest = replace(sheet(5, "Logiciels", port="2379"), is_whole=False)
    assert not list(near_misses(rest, catalogue(tmp_path, *SHEETS, rest), "…", rng()))


@pytest.mark.parametrize(
    ("title", "text", "language", "asked", "never"),
    [
        ("Oxygen", "Oxygen is a chemical element.", "en", "", "price|headquarters|founder|address|owner"),
        ("Charte de télétravail", "Elle fixe les règles.", "fr", "responsable|auteur|version", "siège|fondateur|adresse|prix"),
        ("Ada Byron", "Ada Byron was born in London.", "en", "spouse", "price|headquarters|license"),
        ("Rhine", "The Rhine is a river. Basel is a city on it.", "en", "", "mayor|population"),
        ("Colour of skin", "The term was coined by Ada Byron, who was born in London.", "en", "", "spouse|place of birth"),
        ("English contract law", "It is a body of law.", "en", "", "owner|version|reviewer|author"),
        ("Fire triangle", "The fire triangle names what a fire needs, as a tool of training.", "en", "", "price|owner|vendor"),
        ("Albi", "Albi est une ville du Tarn.", "fr", "maire|population|superficie", "prix|licence|auteur"),
    ],
)  # fmt: skip
def test_near_misses_fit_the_kind_of_thing(
    tmp_path: Path, title: str, text: str, language: Language, asked: str, never: str
) -> None:
    made = document(text, title=title, language=language)
    questions = [a.question for a in near_misses(made, catalogue(tmp_path, made), "…", rng())]
    assert bool(questions) == bool(asked)
    assert not asked or any(re.search(asked, q) for q in questions)
    assert not any(re.search(never, q) for q in questions)


def test_things_of_different_kinds_are_not_compared(tmp_path: Path) -> None:
    minutes = sheet(1, "Réunion", date="2024-03-12", lieu="Lyon", redacteur="Petit")
    notes = sheet(2, "Portail", date="2023-06-12", editeur="interne")
    known = catalogue(tmp_path, minutes, notes)
    field = next(f for f in fields(minutes) if f.key == "date")
    assert not list(comparisons(minutes, field, known, "train", rng()))


def test_a_name_is_not_compared_with_another(tmp_path: Path) -> None:
    sheets = [
        sheet(n, name, port="1", complet=f"Gestion {name}") for n, name in enumerate(("GIDAF", "Iris", "Vega"), 1)
    ]
    known = catalogue(tmp_path, *sheets)
    field = next(f for f in fields(sheets[0]) if f.key == "complet")
    assert not list(comparisons(sheets[0], field, known, "train", rng()))
    assert not list(lists(sheets[0], field, known, "train", rng()))


def test_french_elides_before_a_name(tmp_path: Path) -> None:
    sheets = [sheet(n, name, port="1", hote="a") for n, name in enumerate(("Iris", "Ulysse"), 1)]
    known = catalogue(tmp_path, *sheets)
    field = next(f for f in fields(sheets[0]) if f.key == "port")
    made = [c.question for seed in range(20) for c in comparisons(sheets[0], field, known, "train", rng(seed))]
    assert any("qu'Iris et Ulysse" in question for question in made)
    assert not any(re.search(r"\bque (?:Iris|Ulysse)", question) for question in made)


def test_a_page_that_is_a_question_has_no_owner_and_no_price(tmp_path: Path) -> None:
    made = document("Oui, la convention de service est signée.", title="Faut-il une convention avec la société ?")
    assert not list(near_misses(made, catalogue(tmp_path, made), "…", rng()))


def test_what_every_text_tells_is_no_near_miss(tmp_path: Path) -> None:
    sheets = [sheet(n, f"Outil {n}x", port="1", hote="a", objectif="aider") for n in (1, 2, 3)]
    lacking = document("Simplifier les démarches.", title="Etcd", number=9, metadata={"port": "2", "hote": "b"})
    known = catalogue(tmp_path, *sheets, lacking)
    assert known.lacking(lacking) == [("objectif", "objectif")]
    assert not any("objectif" in a.question for a in near_misses(lacking, known, "…", rng()))


def test_a_list_that_another_field_would_add_to_is_not_asked(tmp_path: Path) -> None:
    sheets = (
        sheet(1, "Kafka", langage="Java"),
        sheet(2, "ActiveMQ", langage="Java"),
        sheet(3, "Jenkins", ecrit_en="Java"),
    )
    (tmp_path / "two").mkdir()
    assert listed(tmp_path / "two", sheets[:2], 0, "langage")
    assert not listed(tmp_path, sheets, 0, "langage")


def test_who_says_it_under_another_name_is_not_among_those_without_it(tmp_path: Path) -> None:
    sheets = (
        sheet(1, "Kafka", langage="Java"), sheet(2, "Redis", langage="C"), sheet(3, "Gitea", langage="Go"),
        sheet(4, "Jenkins", langage="Groovy", ecrit_en="Java"), sheet(5, "Caddy", langage="Go"),
    )  # fmt: skip
    made = [one for one in listed(tmp_path, sheets, 0, "langage") if "Java" in one.question]
    assert made
    assert not any("Jenkins" in one.question for one in made)


def test_a_country_needs_no_article(tmp_path: Path) -> None:
    from finetune.generate.ask import about_field

    made = sheet(1, "Moodle", origine="libre", pays_d_origine="Australie")
    field = next(f for f in fields(made) if f.values == ("Australie",))
    assert all(" : Australie." in asked.answer for seed in range(5) for asked in about_field(made, field, rng(seed)))
