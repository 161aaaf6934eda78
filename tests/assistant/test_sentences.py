"""What can be quoted of a text, and where it stands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.generators.extractive.sentences import units

SHEET = """## Ports

| Port | Transport |
|---|---|
| 1883 | plain MQTT |

Licence : MIT

- **Fast** to start.
It has `one` port. It has another.

```
```"""


def test_the_units_of_a_sheet_with_what_stands_over_them() -> None:
    assert [(u.text, u.line, u.under) for u in units(SHEET)] == [
        ("1883 — plain MQTT", True, "Ports | Port | Transport |"),
        ("Licence : MIT", True, "Ports"),
        ("Fast to start.", True, "Ports"),
        ("It has one port.", False, "Ports"),
        ("It has another.", False, "Ports"),
    ]


def test_a_unit_stands_where_its_words_are_or_on_its_line_when_markup_was_taken_out() -> None:
    spans = {u.text: SHEET[slice(*u.span)] for u in units(SHEET)}
    assert spans["It has another."] == "It has another."
    assert spans["Fast to start."] == "- **Fast** to start."
    assert spans["1883 — plain MQTT"] == "| 1883 | plain MQTT |"


PIECES = st.sampled_from(
    ["# Titre", "| a | b |", "|---|---|", "- un", "Clé : valeur", "Une phrase. Une autre !", "", "```", "**x**", " "]
)


@given(st.lists(PIECES, max_size=20).map("\n".join) | st.text(max_size=200))
def test_every_unit_lies_inside_the_text(text: str) -> None:
    for unit in units(text):
        start, end = unit.span
        assert 0 <= start < end <= len(text)
        assert "\n" not in text[start:end]
