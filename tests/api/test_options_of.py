"""From what a server takes its options, and which it refuses to start with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assistant.api.options import Options
from assistant.api.options_of import check_bind, options_of
from assistant.app import App
from assistant.workspace import Home
from retrieval.errors import BadSetting

TOKEN, OTHER = "a-token-that-is-long", "another-that-is-long"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("DYAG_TOKEN", "DYAG_CHAT_TOKEN", "DYAG_SERVE__TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return Home(tmp_path, "a test")


def options(home: Home, settings: dict[str, str] | None = None, **said: Any) -> Options:
    return options_of(App(home, {f"serve.{name}": value for name, value in (settings or {}).items()}), **said)


def test_a_server_of_this_machine_needs_nothing(home: Home) -> None:
    made = options(home)

    assert (made.host, made.port, made.token, made.url_hosts) == ("127.0.0.1", 5002, "", ())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_a_loopback_address_needs_no_token(host: str, home: Home) -> None:
    assert options(home, host=host).token == ""


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "[::]", "", "192.168.1.7", "example.org", "0", "127.1", "localhost.example.org", "::ffff:0.0.0.0",
     "127.0.0.1.nip.io", "ip6-localhost", "169.254.1.1", "0x7f000001", "fe80::1%eth0"],
)  # fmt: skip
def test_any_other_address_needs_one(host: str, home: Home) -> None:
    with pytest.raises(BadSetting, match="no token is set"):
        options(home, host=host)
    assert options(home, host=host, token=TOKEN).token == TOKEN


def test_a_proxy_in_front_needs_a_token(home: Home) -> None:
    with pytest.raises(BadSetting, match="proxy"):
        options(home, hosts=["wiki.example.org"])
    assert options(home, hosts=["Wiki.example.org"], token=TOKEN).hosts == ("wiki.example.org",)


def test_the_flag_wins_over_the_setting_and_that_over_the_environment(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home.path / ".env").write_text("DYAG_TOKEN=the-token-of-dot-env\n")
    assert options(home).token == "the-token-of-dot-env"
    monkeypatch.setenv("DYAG_TOKEN", "the-environments-token")
    assert options(home).token == "the-environments-token"
    assert options(home, {"token": "the-token-of-settings"}).token == "the-token-of-settings"
    assert options(home, {"token": "the-token-of-settings"}, token=TOKEN).token == TOKEN
    monkeypatch.setenv("DYAG_CHAT_TOKEN", OTHER)
    assert options(home).chat_token == OTHER


@pytest.mark.parametrize(
    "token",
    ["", " ", "\n", "short", "fifteen-letters", "with a space in it", "é" * 20, "a" * 20 + "\nb", "a" * 20 + "\x00"],
)
def test_a_token_that_is_none_is_refused(token: str, home: Home) -> None:
    with pytest.raises(BadSetting) as refused:
        options(home, token=token)
    assert len(token) < 10 or token not in refused.value.message


def test_a_line_end_behind_a_token_is_none_of_it(home: Home) -> None:
    assert options(home, token=f"{TOKEN}\n").token == TOKEN


def test_a_token_for_the_chat_does_not_leave_the_rest_open(home: Home) -> None:
    with pytest.raises(BadSetting, match="open to all"):
        options(home, chat_token=OTHER)
    with pytest.raises(BadSetting, match="administrator"):
        options(home, token=TOKEN, chat_token=TOKEN)
    check_bind(Options(token=TOKEN, chat_token=OTHER))


@pytest.mark.parametrize(
    "name",
    ["https://example.org", "example.org/x", "*", "*.example.org", "a b", "", "é.example.org", ".", "a..b", "x@y"],
)
def test_a_host_is_a_name(name: str, home: Home) -> None:
    for flag in ("hosts", "url_hosts"):
        with pytest.raises(BadSetting, match="no name of a host"):
            options(home, token=TOKEN, **{flag: [name]})


def test_lists_of_the_command_line_are_added_to_those_of_the_settings(home: Home) -> None:
    made = options(
        home, {"url_hosts": "data.example.org, files.example.org:8443"}, url_hosts=["data.example.org", "x.example.org"]
    )

    assert made.url_hosts == ("data.example.org", "x.example.org", "files.example.org:8443")


def test_a_folder_of_datasets_is_one(home: Home) -> None:
    (home.path / "sets").mkdir()
    (home.path / "file").touch()

    assert options(home, dataset_roots=["sets"]).dataset_roots == (home.path / "sets",)
    for wrong in ("nowhere", "file", "/"):
        with pytest.raises(BadSetting, match="--dataset-root"):
            options(home, dataset_roots=[wrong])
