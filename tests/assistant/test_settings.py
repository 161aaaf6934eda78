import os

import pytest

from assistant.settings import NAMES, Setting, load_settings, origins
from assistant.workspace import Home
from retrieval.errors import BadSetting


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("DYAG_")]:
        monkeypatch.delenv(name)
    return Home(tmp_path, "--home")


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def load(home, warnings):
    return lambda **overrides: load_settings(
        home, {k.replace("__", "."): v for k, v in overrides.items()}, warnings.append
    )


def test_defaults(load, warnings):
    settings = load()
    assert (settings.search.top_k, settings.search.dense_weight, settings.answer.refuse_below) == (10, None, None)
    assert warnings == []


def test_each_place_wins_over_the_next(home, load, monkeypatch):
    home.settings.write_text("[search]\ntop_k = 1\ncandidates = 1\ndense_weight = 0.1\n[answer]\nmax_words = 1\n")
    home.env.write_text("DYAG_SEARCH__CANDIDATES=2\nDYAG_SEARCH__DENSE_WEIGHT=0.2\nDYAG_ANSWER__MAX_WORDS=2\n")
    monkeypatch.setenv("DYAG_SEARCH__DENSE_WEIGHT", "0.3")
    monkeypatch.setenv("DYAG_ANSWER__MAX_WORDS", "3")
    settings = load(answer__max_words="4")
    assert settings.search.model_dump() == {"top_k": 1, "candidates": 2, "dense_weight": 0.3}
    assert settings.answer.max_words == 4
    found = {s.name: s.origin for s in origins(home, {"answer.max_words": "4"}, print)}
    assert list(found) == list(NAMES)
    assert found["search.top_k"] == "dyag.toml"
    assert found["search.candidates"] == ".env"
    assert found["search.dense_weight"] == "environment DYAG_SEARCH__DENSE_WEIGHT"
    assert found["answer.max_words"] == "flag"
    assert found["index.embedder"] == "default"


def test_an_empty_variable_is_not_set(load, monkeypatch):
    monkeypatch.setenv("DYAG_SEARCH__TOP_K", "")
    assert load().search.top_k == 10


def test_none_brings_back_the_calibrated_refusal(home, load):
    home.settings.write_text("[answer]\nrefuse_below = 0.7\n")
    assert load().answer.refuse_below == 0.7
    assert load(answer__refuse_below="none").answer.refuse_below is None


@pytest.mark.parametrize(
    ("toml", "message", "hint"),
    [
        ("[search]\ntop_k = 500", "dyag.toml: search.top_k cannot be 500.", "a whole number, at least 1, at most 200"),
        ("[answer]\nmode = 'rga'", "dyag.toml: answer.mode cannot be 'rga'.", "one of rag, finetuned, hybrid"),
        (
            "[search]\ndense_weight = nan",
            "dyag.toml: search.dense_weight cannot be nan.",
            "a number, at least 0, at most 1",
        ),
        ("[index]\nparse_seconds = inf", "index.parse_seconds cannot be inf.", "a number, more than 0"),
        ("[answer]\nrefuse_below = 2", "answer.refuse_below cannot be 2.", "a number, at least 0, at most 1, or none"),
        ("[index]\nembedder = 3", "index.embedder cannot be 3.", "a text"),
        ("[search]\ntop_kk = 5", "dyag.toml: there is no setting search.top_kk (value: 5).", "search.top_k"),
        ("[serch]\ntop_k = 5", "there is no setting serch.top_k", "search.top_k"),
        ("search = 5", "there is no setting search (value: 5)", "search.top_k"),
        ("top_k = 5", "there is no setting top_k", "search.top_k"),
        ("[search\n", "dyag.toml cannot be read: ", "dyag config"),
    ],
)
def test_a_bad_settings_file_says_what_where_and_what_is_allowed(home, load, toml, message, hint):
    home.settings.write_text(toml)
    with pytest.raises(BadSetting) as caught:
        load()
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_bad_value_names_its_variable_or_flag(load, monkeypatch):
    with pytest.raises(BadSetting, match=r"--set: search\.top_k cannot be 'many'"):
        load(search__top_k="many")
    with pytest.raises(BadSetting, match=r"--set: there is no setting search\.topk"):
        load(search__topk="5")
    monkeypatch.setenv("DYAG_SEARCH__TOP_K", "0")
    with pytest.raises(BadSetting, match=r"environment DYAG_SEARCH__TOP_K: search\.top_k cannot be '0'"):
        load()


def test_a_bad_value_that_is_overridden_does_not_matter(load, monkeypatch):
    monkeypatch.setenv("DYAG_SEARCH__TOP_K", "0")
    assert load(search__top_k="3").search.top_k == 3


def test_variables_that_set_nothing_are_warned_of(home, load, warnings, monkeypatch):
    home.env.write_text("DYAG_NOPE=1\nOTHER=2\n")
    for name in ("DYAG_SERCH__TOP_K", "DYAG_HOME", "DYAG_CACHE", "DYAG_DEBUG"):
        monkeypatch.setenv(name, "5")
    assert load().search.top_k == 10
    assert [w.split(" sets")[0] for w in warnings] == [
        "dyag: the variable DYAG_NOPE",
        "dyag: the variable DYAG_SERCH__TOP_K",
    ]
    assert "DYAG_SEARCH__TOP_K" in warnings[1].split("Did you mean")[1]


@pytest.mark.parametrize("name", [".env", "dyag.toml"])
def test_a_file_that_is_not_text_is_named(home, load, name):
    (home.path / name).write_bytes(b"DYAG_X=\xff\xfe\x00")
    with pytest.raises(BadSetting, match=f"{name} cannot be read"):
        load()


def test_settings_cannot_be_changed(load):
    with pytest.raises(ValueError, match="frozen"):
        load().search.top_k = 3


def test_secrets_are_not_shown():
    assert Setting("answer.api_key", "s3cret", "flag").shown == "***"
    assert Setting("search.top_k", 5, "flag").shown == 5
