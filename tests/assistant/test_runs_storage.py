"""`dyag runs push` and `dyag runs pull` as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Ran, run
from runs import begun, finished

RUN = "20261104-153012-a1f3"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    finished(tmp_path / "home" / "models", RUN)
    return tmp_path / "home"


def dyag(home: Path, *argv: str | Path) -> Ran:
    return run("runs", *argv, home=home)


def test_a_run_goes_to_a_storage_and_into_another_workspace(home: Path, tmp_path: Path) -> None:
    url, other = f"file://{tmp_path}/shelf", tmp_path / "other"
    ran = dyag(home, "push", "latest", url)
    assert (ran.code, f"{RUN} is in {url}/{RUN}: " in ran.out) == (0, True), ran
    assert f"dyag runs pull {url}/{RUN}" in ran.out
    assert "all of it was there already" in dyag(home, "push", "latest", url).out
    assert dyag(other, "pull", f"{url}/{RUN}").code == 0
    assert dyag(other, "show", "latest", "--json").json["problem"] == ""
    assert dyag(other, "pull", f"{url}/{RUN}", "--json").json["copied"] == 0


def test_a_run_that_is_here_under_another_folder_is_not_fetched_again(home: Path, tmp_path: Path) -> None:
    dyag(home, "push", "latest", tmp_path / "shelf")
    (home / "models" / "runs" / RUN).rename(home / "models" / "my-model")
    ran = dyag(home, "pull", tmp_path / "shelf" / RUN, "--json")
    assert (ran.json["copied"], ran.json["place"]) == (0, str(home / "models" / "my-model"))


def test_a_run_is_fetched_into_a_folder_that_is_named_and_is_found(home: Path, tmp_path: Path) -> None:
    dyag(home, "push", "latest", tmp_path / "shelf")
    other = tmp_path / "other"
    assert dyag(other, "pull", tmp_path / "shelf" / RUN, "--output", tmp_path / "elsewhere").code == 0
    assert dyag(other, "list", "--json").json["runs"][0]["path"] == str(tmp_path / "elsewhere")


def test_only_a_finished_run_goes(home: Path, tmp_path: Path) -> None:
    begun(home / "models", "20261105-000000-0001")
    ran = dyag(home, "push", "20261105", tmp_path / "shelf")
    assert (ran.code, "is not finished" in ran.err) == (1, True)
    assert not (tmp_path / "shelf").exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("oss://bucket/x", "ossfs"),
        ("s9://x", "No storage is known as s9://"),
        ("file:///nowhere/at/all", "holds no run"),
    ],
)
def test_an_address_that_is_none_is_one_message(home: Path, url: str, said: str) -> None:
    ran = dyag(home, "pull", url)
    assert ran.code == 1
    assert said in ran.err
    assert "Traceback" not in ran.err
