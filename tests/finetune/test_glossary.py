"""Terms of a glossary are asked for their meaning."""

from __future__ import annotations

from pathlib import Path

import pytest
from sources import catalogue, document

from finetune.generate.fields import fields
from finetune.generate.glossary import about_term, is_glossary
from finetune.generate.rules import Rules


@pytest.mark.parametrize(("title", "expected"), [("Glossaire du SI", True), ("Glossary", True), ("Guide du SI", False)])
def test_glossaries_are_known_by_their_title(title: str, expected: bool) -> None:
    assert is_glossary(document(title=title)) is expected


def test_a_term_is_asked_for_its_meaning() -> None:
    made = document("PCA : plan de continuité d'activité", title="Glossaire du SI")
    first, *more = about_term(made, fields(made)[0])
    assert first.question == "Que signifie « PCA », d'après la page « Glossaire du SI » ?"
    assert first.answer == "D'après la page « Glossaire du SI », « PCA » désigne : plan de continuité d'activité."
    assert {one.answer for one in more} == {first.answer}
    english = document("**Seat**: a paid licence", title="Glossary", language="en")
    one = next(about_term(english, fields(english)[0]))
    assert one.question == 'What does "Seat" mean, according to the page "Glossary"?'


def test_terms_are_neither_compared_nor_asked_as_fields(tmp_path: Path) -> None:
    terms = [
        document("PCA : plan de reprise\nMOA : maîtrise d'ouvrage", title=f"Glossaire {n}", number=n) for n in (1, 2, 3)
    ]
    rules = Rules(catalogue(tmp_path, *terms), {}, 1)
    assert {example.type for _, example in rules.examples(terms[0], "train", 2)} == {"definition"}
