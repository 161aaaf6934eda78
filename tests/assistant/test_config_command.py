"""`dyag config`: each value and the place it comes from, and errors that name the place."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Ran, run

from assistant.settings import NAMES

PLACES = ["default", "dyag.toml", ".env", "environment DYAG_SEARCH__TOP_K", "flag"]


def config(home: Path, *argv: str, options: tuple[str, ...] = ()) -> Ran:
    return run(*options, "config", *argv, home=home)


def shown(ran: Ran) -> dict[str, tuple[str, str]]:
    """Setting to value and origin, of the printed table."""
    lines = ran.out.split("\n\n")[0].splitlines()[1:]
    return {name: (value, origin.strip()) for name, value, origin in (line.split(None, 2) for line in lines)}


def given(home: Path, places: int, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Set search.top_k to 1, 2, 3 and 4 in the first of these places; the global options that are needed."""
    if places >= 1:
        (home / "dyag.toml").write_text("[search]\ntop_k = 1\n")
    if places >= 2:
        (home / ".env").write_text("DYAG_SEARCH__TOP_K=2\n")
    if places >= 3:
        monkeypatch.setenv("DYAG_SEARCH__TOP_K", "3")
    return ("--set", "search.top_k=4") if places >= 4 else ()


@pytest.mark.parametrize("places", range(5))
def test_each_place_wins_over_the_ones_before(tmp_path: Path, places: int, monkeypatch: pytest.MonkeyPatch) -> None:
    options = given(tmp_path, places, monkeypatch)
    value = places or 10
    ran = config(tmp_path, options=options)
    assert (ran.code, ran.err) == (0, "")
    assert shown(ran)["search.top_k"] == (str(value), PLACES[places])
    only = config(tmp_path, "search.top_k", "--json", options=options)
    assert only.json["settings"] == [{"name": "search.top_k", "value": value, "origin": PLACES[places]}]


def test_every_setting_is_shown_with_its_default(tmp_path: Path) -> None:
    ran = config(tmp_path)
    assert list(shown(ran)) == list(NAMES)
    assert {origin for _, origin in shown(ran).values()} == {"default"}
    assert shown(ran)["index.embedder"] == ("minilm", "default")
    assert shown(ran)["answer.refuse_below"] == ("none", "default")
    assert ran.out.endswith(f"\n\nworkspace {tmp_path}  (--home)\n")


def test_json_is_one_object(tmp_path: Path) -> None:
    found = config(tmp_path, "--json").json
    assert list(found) == ["settings", "home", "home_origin"]
    assert (found["home"], found["home_origin"]) == (str(tmp_path), "--home")
    assert [list(setting) for setting in found["settings"]] == [["name", "value", "origin"]] * len(NAMES)
    assert next(s["value"] for s in found["settings"] if s["name"] == "answer.refuse_below") is None


def test_the_value_shown_is_the_one_in_force(tmp_path: Path) -> None:
    (tmp_path / "dyag.toml").write_text("[index]\nembedder = 'langchain:words:HashEmbeddings'\n[search]\ntop_k = 1\n")
    (tmp_path / "sheets").mkdir()
    for number in range(3):
        (tmp_path / "sheets" / f"{number}.md").write_text(f"# Sheet {number}\n\nThe port is {number}.\n")
    assert run("index", tmp_path / "sheets", home=tmp_path).code == 0
    assert len(run("search", "port", "--json", home=tmp_path).json["passages"]) == 1
    two = run("--set", "search.top_k=2", "search", "port", "--json", home=tmp_path)
    assert len(two.json["passages"]) == 2
    assert len(run("search", "port", "-k", "3", "--json", home=tmp_path).json["passages"]) == 3


@pytest.mark.parametrize("key", ["search.topk", "topk", "search", "SEARCH.TOP_K"])
def test_an_unknown_key_is_an_error(tmp_path: Path, key: str) -> None:
    ran = config(tmp_path, key)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"dyag: There is no setting {key}.\n")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("dyag.toml", "[search]\ntop_k = 0\n", "dyag.toml: search.top_k cannot be 0."),
        ("dyag.toml", "[search]\ntop_k = 'ten'\n", "dyag.toml: search.top_k cannot be 'ten'."),
        ("dyag.toml", "[search]\ntopk = 5\n", "dyag.toml: there is no setting search.topk (value: 5)."),
        (".env", "DYAG_SEARCH__TOP_K=ten\n", ".env: search.top_k cannot be 'ten'."),
        (".env", "DYAG_ANSWER__LANGUAGE=de\n", ".env: answer.language cannot be 'de'."),
    ],
)
def test_a_bad_value_names_its_file_and_setting(tmp_path: Path, file: str, text: str, message: str) -> None:
    (tmp_path / file).write_text(text)
    for ran in (config(tmp_path), config(tmp_path, "--json"), run("chunk", tmp_path, home=tmp_path)):
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.splitlines()[0] == f"dyag: {message}"
        assert len(ran.err.splitlines()) == 2


def test_a_bad_variable_and_a_bad_flag_name_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flag = config(tmp_path, options=("--set", "search.top_k=ten"))
    assert (flag.code, flag.err.splitlines()[0]) == (1, "dyag: --set: search.top_k cannot be 'ten'.")
    monkeypatch.setenv("DYAG_SEARCH__TOP_K", "ten")
    variable = config(tmp_path)
    assert (variable.code, variable.out) == (1, "")
    assert variable.err.splitlines()[0] == "dyag: environment DYAG_SEARCH__TOP_K: search.top_k cannot be 'ten'."


@pytest.mark.parametrize("file", ["dyag.toml", ".env"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_bytes(b"[search\xff\xfe\n")
    ran = config(tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert f"{tmp_path}/{file} cannot be read: " in ran.err


def test_a_variable_that_sets_nothing_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYAG_SEARCH__TOPK", "5")
    ran = config(tmp_path, "search.top_k", "--json")
    assert (ran.code, ran.json["settings"][0]["origin"]) == (0, "default")
    assert ran.err.startswith("dyag: the variable DYAG_SEARCH__TOPK sets nothing. Did you mean DYAG_SEARCH__TOP_K")


def test_nothing_is_written(tmp_path: Path) -> None:
    config(tmp_path)
    assert list(tmp_path.iterdir()) == []
