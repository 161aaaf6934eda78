"""The manifest of a run, read back whole or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from runs import manifest

from finetune.runs.digests import TornRun
from finetune.runs.manifest import Manifest, NewerRun, read_manifest
from retrieval.errors import NotFound, UserError

WHOLE: dict[str, Any] = json.loads(manifest("a").to_json())


def read(folder: Path, data: bytes) -> Manifest:
    path = folder / "manifest.json"
    path.write_bytes(data)
    return read_manifest(path)


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = manifest("a", events=("the batch was halved",), parent="b", metrics={"train_loss": 0.5, "eval_loss": None})
    assert read(tmp_path, made.to_json()) == made


def test_a_figure_that_is_no_number_becomes_none(tmp_path: Path) -> None:
    assert read(tmp_path, manifest("a", metrics={"train_loss": float("inf")}).to_json()).metrics == {"train_loss": None}


def test_that_of_a_newer_version_says_so(tmp_path: Path) -> None:
    with pytest.raises(NewerRun, match="newer dyag"):
        read(tmp_path, json.dumps({"version": 99}).encode())


def test_without_one_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_manifest(tmp_path / "manifest.json")


@pytest.mark.parametrize("cut", [0, 1, 40, -2])
def test_a_torn_one_is_refused(tmp_path: Path, cut: int) -> None:
    with pytest.raises(TornRun, match=r"manifest\.json is torn"):
        read(tmp_path, manifest("a").to_json()[:cut])


@pytest.mark.parametrize("name", ["id", "base", "dataset", "method", "seconds", "artifacts"])
@pytest.mark.parametrize("value", [None, [], "full", {"x": 1}, 10**400])
def test_a_field_of_another_kind_is_refused(tmp_path: Path, name: str, value: Any) -> None:
    if name == "id" and isinstance(value, str):
        return
    with pytest.raises(TornRun):
        read(tmp_path, json.dumps({**WHOLE, name: value if name != "artifacts" else None}).encode())


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*WHOLE, "version"]), ANY, max_size=4))
@example({"seconds": float("inf")})
def test_any_fields_are_a_manifest_or_an_error_that_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, fields: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    try:
        found = read(folder, json.dumps({**WHOLE, **fields}).encode())
    except UserError:  # anything else is a bug
        return
    assert read(folder, found.to_json()).id == found.id


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_in_words(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    with pytest.raises(UserError):
        read(tmp_path_factory.mktemp("any"), data)
