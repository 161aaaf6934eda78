"""What a status, a body or an exception means, and that no text of a server shows a key."""

from __future__ import annotations

import json
import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.generators.models.faults import (
    ConnectionLost,
    Peer,
    Rejected,
    ServerFailed,
    TimedOut,
    UnknownModel,
    Unreachable,
    connection_fault,
    http_fault,
    retry_after,
)
from assistant.generators.models.server_text import LONGEST, quoted, redact, without_credentials
from retrieval.errors import GeneratorFailed

KEY = 'p4ss "word"/€'
PEER = Peer("openai:m", "m", "http://box/v1", "start", "log in", "get", secrets=(KEY,))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["error", "message", "detail", "code"]) | st.text(), inner)
    ),
)


@given(st.integers(0, 999), st.text() | JSON, st.dictionaries(st.sampled_from(["Retry-After", "X"]), st.text()))
def test_any_answer_is_some_fault(status: int, body: object, headers: dict[str, str]) -> None:
    fault = http_fault(PEER, status, body, headers)
    assert isinstance(fault, GeneratorFailed)
    assert fault.message.startswith("openai:m")
    assert fault.hint
    assert "\n" not in fault.message


@given(st.text(), st.text())
def test_a_secret_is_masked_in_whatever_form_it_is_quoted(before: str, after: str) -> None:
    for form in (KEY, quote(KEY, safe=""), json.dumps(KEY), json.dumps(KEY, ensure_ascii=False)):
        assert form.strip('"') not in redact(f"{before}{form}{after}", [KEY])


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcd1234efgh5678",
        "Incorrect API key provided: sk-abcd*************5678",
        "invalid header Authorization: Bearer abcdefgh12345678",
        "GET https://me:abcd5678@box/v1 failed",
        "GET https://box/v1?key=abcd5678&x=1 failed",
        "hf_abcdefgh12345678abcd5678 has no access",
        "AIzaSyabcd1234abcd5678abcd5678",
    ],
)
def test_what_looks_like_a_key_is_masked(text: str) -> None:
    shown = redact(text, [])
    assert "5678" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text", ["The model gpt-4o-mini-2024-07-18 is down", "basic settings", "task-oriented-dialogue-models"]
)
def test_other_words_stay(text: str) -> None:
    assert redact(text, ["", "zzz"]) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"error": {"message": "no"}}', "no"),
        ('{"error": "no."}', "no"),
        ('{"detail": [{"loc": ["a"], "msg": "bad"}, {"msg": "worse"}]}', "bad; worse"),
        ({"object": "error", "message": "no"}, "no"),
        ("<html>no", "an HTML page"),
        ("two\n lines\x00", "two lines\x00"),
        ("x" * 1000, "x" * LONGEST + "…"),
        ("", ""),
    ],
)
def test_what_a_body_says(body: object, text: str) -> None:
    assert quoted(body, ()).text == text


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, 'Model "qwen" not found', UnknownModel),
        (404, "model `gpt-4.1` does not exist", UnknownModel),
        (404, "no m here", UnknownModel),
        (404, "page?", Rejected),
        (408, "", ServerFailed),
        (502, "<html>Bad gateway", ServerFailed),
        (0, {"message": "overloaded", "code": 529}, ServerFailed),
        (0, "who knows", ServerFailed),
        (418, "", Rejected),
    ],
)
def test_what_a_status_means(status: int, body: object, kind: type[GeneratorFailed]) -> None:
    assert type(http_fault(PEER, status, body, {})) is kind


NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3),
        ("0.5", 0.5),
        ("-1", 0),
        ("Thu, 01 Jan 2026 12:01:30 GMT", 90),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("Thu, 01 Jan 2026 12:01:30", 90),
        ("soon", None),
        ("", None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds


@given(st.text())
def test_retry_after_of_any_text(value: str) -> None:
    seconds = retry_after({"Retry-After": value})
    assert seconds is None or seconds >= 0


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    error.__cause__ = cause
    return error


class ConnectError(Exception):
    """As the HTTP clients name it."""


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            raised(ConnectError("x"), ConnectionRefusedError(111, "Connection refused")),
            Unreachable,
            "connection refused",
        ),
        (raised(ConnectError("x"), socket.gaierror(-2, "Name not known")), Unreachable, "unknown host"),
        (raised(ConnectError("x"), ssl.SSLCertVerificationError("bad")), Unreachable, "TLS"),
        (raised(ConnectError("x"), OSError(113, "No route to host")), Unreachable, "no route to host"),
        (raised(ConnectError("x"), TimeoutError(110, "Connection timed out")), Unreachable, "timed out"),
        (raised(RuntimeError("x"), TimeoutError()), TimedOut, "too long"),
        (ConnectionResetError(104, "reset"), ConnectionLost, "lost"),
        (raised(RuntimeError("x"), ssl.SSLEOFError("eof")), ConnectionLost, "lost"),
        (BrokenPipeError(), ConnectionLost, "lost"),
    ],
)
def test_what_an_exception_means(error: Exception, kind: type[GeneratorFailed], words: str) -> None:
    fault = connection_fault(PEER, error)
    assert type(fault) is kind
    assert words in fault.message
    assert fault.hint


@pytest.mark.parametrize(
    ("url", "plain", "auth"),
    [
        ("http://box:8000/v1/", "http://box:8000/v1", None),
        ("http://me:p%40ss@box/v1?key=x#y", "http://box/v1", ("me", "p@ss")),
        ("http://me@[::1]:80", "http://[::1]:80", ("me", "")),
    ],
)
def test_an_address_without_its_credentials(url: str, plain: str, auth: tuple[str, str] | None) -> None:
    assert without_credentials(url) == (plain, auth)
