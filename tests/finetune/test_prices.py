"""What hosted models cost: built-in prices, the user's own, and what is wrong with a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from finetune.prices import BUILT_IN, Price, load_prices
from retrieval.errors import BadInput


def test_built_in_prices_are_dated_and_positive() -> None:
    prices = load_prices(None)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", prices.as_of)
    assert "openai.com" in BUILT_IN.read_text(encoding="utf-8")
    assert prices.of("gpt-4o-mini") == Price(0.15, 0.60, 3.00, prices.as_of)
    assert all(0 < p.input <= p.output for p in prices.models.values())


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("openai:gpt-4o-mini", "gpt-4o-mini"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("openai:gpt-4o-2024-08-06", "gpt-4o"),
        ("openai:gpt-4o-mini@https://example.org/v1", "gpt-4o-mini"),
        ("gpt-3.5-turbo-0125", "gpt-3.5-turbo"),
        ("anthropic:claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ("anthropic:claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("ft:gpt-4o-mini-2024-07-18:org::abc123", "ft:gpt-4o-mini"),
        ("openai:ft:gpt-4o-mini-2024-07-18:org:suffix:abc123", "ft:gpt-4o-mini"),
    ],
)
def test_a_price_is_found_by_every_form_of_the_name(name: str, listed: str) -> None:
    prices = load_prices(None)
    assert prices.of(name) == prices.models[listed]


@pytest.mark.parametrize(
    "name", ["", ":", "ft:", "gpt-4o-mega", "openai:", "qwen2.5-7b-instruct", "ft:qwen:org::x", "-2024-07-18"]
)
def test_an_unknown_model_has_no_price(name: str) -> None:
    assert load_prices(None).of(name) is None


def test_the_users_file_replaces_and_adds(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        'as_of = 2026-09-01\n[models]\n"gpt-4o-mini" = {input=1, output=2}\nmine = {input=0, output=0.5, training=7}\n'
    )
    prices = load_prices(file)
    assert prices.of("openai:gpt-4o-mini") == Price(1.0, 2.0, None, "2026-09-01")
    assert prices.of("mine") == Price(0.0, 0.5, 7.0, "2026-09-01")
    assert prices.of("gpt-4o") == load_prices(None).of("gpt-4o")


def test_no_file_is_no_fault(tmp_path: Path) -> None:
    assert load_prices(tmp_path / "prices.toml") == load_prices(None)


AS_OF = 'as_of = "2026-09-01"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{AS_OF}[models]\n\n a = = 1\n", "line 4"),
        ("[models]\n", "`as_of` is not a day"),
        ('as_of = "today"\n', "`as_of` is not a day"),
        (f"{AS_OF}[models]\na = {{input=1, output=2}}\nb = {{input=1}}\n", "line 4: the price of `b`"),
        (f"{AS_OF}[models]\n# a\na = {{input=1, output=-2}}\n", "line 4: `output` of `a` cannot be -2"),
        (f"{AS_OF}[models]\na = {{input='1', output=2}}\n", "line 3: `input` of `a` cannot be '1'"),
        (f"{AS_OF}[models]\na = {{input=inf, output=2}}\n", "cannot be inf"),
        (f"{AS_OF}[models]\na = {{input=true, output=2}}\n", "cannot be True"),
        (f"{AS_OF}[models]\na = 3\n", "line 3: the price of `a`"),
        (f"{AS_OF}[models.gpt-4.1]\ninput=1\noutput=2\n", "line 2: the price of `gpt-4`"),
        (f"{AS_OF}currency = 'EUR'\n", "line 2: `currency` means nothing"),
        (f"{AS_OF}models = 3\n", "line 2: `models` means nothing"),
        (b'as_of = "2026-09-01"\n# \xff\n', "line 2: it is not UTF-8"),
    ],
)
def test_a_bad_file_says_where_and_how_to_write_it(tmp_path: Path, text: str | bytes, said: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadInput) as caught:
        load_prices(file)
    assert said in caught.value.message
    assert str(file) in caught.value.message
    assert caught.value.hint
