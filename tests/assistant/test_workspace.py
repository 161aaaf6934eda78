import os
from pathlib import Path

import pytest

from assistant import workspace
from assistant.workspace import cache_folder, find_home
from retrieval.errors import NotFound


def test_the_flag_wins_over_the_environment_and_is_relative_to_the_current_folder(tmp_path):
    home = find_home(Path("sub/../a"), {"DYAG_HOME": str(tmp_path / "b")}, tmp_path)
    assert (home.path, home.origin) == (tmp_path / "a", "--home")


def test_the_environment_wins_over_a_settings_file(tmp_path):
    (tmp_path / "dyag.toml").touch()
    home = find_home(None, {"DYAG_HOME": "b"}, tmp_path)
    assert (home.path, home.origin) == (tmp_path / "b", "environment DYAG_HOME")


def test_the_nearest_folder_with_a_settings_file(tmp_path):
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (tmp_path / "dyag.toml").touch()
    (tmp_path / "a" / "dyag.toml").touch()
    assert find_home(None, {}, deep).path == tmp_path / "a"
    (deep / "dyag.toml").touch()
    assert find_home(None, {}, deep).path == deep


def test_without_any_settings_file_the_current_folder(tmp_path):
    home = find_home(None, {"DYAG_HOME": ""}, tmp_path)
    assert (home.path, home.origin) == (tmp_path, "current folder")


@pytest.mark.skipif(os.name != "posix", reason="owners are a POSIX notion")
def test_a_settings_file_left_above_by_someone_else_is_not_obeyed(tmp_path, monkeypatch):
    (tmp_path / "dyag.toml").touch()
    (tmp_path / "sub").mkdir()
    os.chown(tmp_path / "dyag.toml", 12345, -1) if os.getuid() == 0 else pytest.skip("needs root to give a file away")
    monkeypatch.setattr(workspace.os, "getuid", lambda: 54321)
    assert find_home(None, {}, tmp_path / "sub").path == tmp_path / "sub"
    monkeypatch.setattr(workspace.os, "getuid", lambda: 12345)
    assert find_home(None, {}, tmp_path / "sub").path == tmp_path


def test_a_file_is_no_workspace(tmp_path):
    (tmp_path / "notes.md").touch()
    with pytest.raises(NotFound, match="not a folder"):
        find_home(tmp_path / "notes.md", {}, tmp_path)


def test_paths_are_derived_and_nothing_is_created(tmp_path):
    home = find_home(tmp_path / "new", {}, tmp_path)
    relative = [str(p.relative_to(home.path)) for p in (home.library, home.index, home.lock, home.log, home.models)]
    assert relative == ["data/library.sqlite3", "data/index", "data/index.lock", "data/dyag.log", "models"]
    assert list(tmp_path.iterdir()) == []


def test_cache_folder_order(tmp_path):
    assert cache_folder({"DYAG_CACHE": str(tmp_path), "XDG_CACHE_HOME": "/x"}) == tmp_path
    if os.name == "posix":
        assert cache_folder({"XDG_CACHE_HOME": "/x"}) == Path("/x/dyag")
        assert cache_folder({"XDG_CACHE_HOME": "relative"}) == cache_folder({}) == Path.home() / ".cache" / "dyag"
