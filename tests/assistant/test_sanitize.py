import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assistant.sanitize import CleanStream, clean, escape_json, without_passwords

HOSTILE = [
    "\x1b", "\x1b[", "\x1b]", "\x1bP", "\x1b_", "\x1b\\", "\x07", "\x9b", "\x9c", "\x9d", "\x90", "31m", "52;c;",
    "\x00", "\r", "\n", "\t", "\x7f", "\x85", "\u2028", "\u200b", "\u200d", "\u202e", "\u2066", "\ufeff", "\u00ad",
    "\U000e0041", "\ud800", "\udfff", "\u3164", "é", "😀", "a", "\x1b^", "\x1bX", "\x1b(", "\x1bc", "\x98", "\x9e", "\x9f", "\x1c",
    " ", "/", "0", "?", ";", "~", "@", "m", "[", "]", "\\", "e\u0301", "\ufe0f", "\r\n", "\x0b",
]  # fmt: skip
any_text = st.text(st.characters(exclude_categories=())) | st.lists(st.sampled_from(HOSTILE), max_size=25).map("".join)


def is_forbidden(char: str) -> bool:
    code = ord(char)
    control = (code < 0x20 and char != "\n") or 0x7F <= code <= 0x9F or char in "\u2028\u2029"
    hidden = (
        0x200B <= code <= 0x200F or 0x202A <= code <= 0x202E or 0x2060 <= code <= 0x206F or 0xE0000 <= code <= 0xE0FFF
    )
    return control or hidden or 0xD800 <= code <= 0xDFFF or char in "\u00ad\u061c\ufeff\u3164"


@given(any_text)
def test_clean_leaves_nothing_that_steers_a_terminal_and_is_idempotent(text):
    once = clean(text)
    assert not [char for char in once if is_forbidden(char)]
    assert clean(once) == once
    assert "\n" not in clean(text, newlines=False)


@given(any_text)
def test_escaped_json_holds_the_same_data_and_nothing_that_steers_a_terminal(text):
    line = escape_json(json.dumps(text, ensure_ascii=False))
    assert json.loads(line) == text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert not [char for char in line if is_forbidden(char)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mrouge\x1b[0m", "rouge"),
        ("\x9b31mrouge", "rouge"),
        ("a\x1b]52;c;cm0gLXJm\x07b", "ab"),
        ("a\x1b]52;c;cm0gLXJm\x1b\\b", "ab"),
        ("a\x9d0;title\x9cb", "ab"),
        ("a\x1bP1$r0m\x1b\\b\x1b_apc\x1b\\c\x1b^pm\x1b\\d\x1bXsos\x1b\\e", "abcde"),
        ("\x1bcreset \x1b(Bset", "reset set"),
        ("never closed \x1b]0;the rest stays", "never closed 0;the rest stays"),
        ("bien\rmal", "bien\nmal"),
        ("a\r\nb\x0cc\u2028d", "a\nb\nc\nd"),
        ("col\tcol", "col    col"),
        ("user\u202etxt.exe", "usertxt.exe"),
        ("pay\u200bpal \ufeffx", "paypal x"),
        ("ok\U000e0049\U000e0047", "ok"),
        ("\ud83d", "\ufffd"),
    ],
)
def test_clean_examples(text, shown):
    assert clean(text) == shown


def test_french_and_emoji_text_is_unchanged():
    text = "L’état d’âme : « déjà vu », 3,5 % — œuvre\u00a0; cœur\u202f! 😀 ✔\ufe0f 漢字\n• suite"
    assert clean(text) == text


@pytest.mark.parametrize("unit", ["\x1b]", "\x9d", "\x1b]aaaaaaaaaa", "\x1b[0;", "\x1b[ ", "\x1b", "\r"])
def test_clean_takes_linear_time(unit):
    start = time.perf_counter()
    clean(unit * (1_000_000 // len(unit)))
    clean(unit + "a" * 1_000_000)
    assert time.perf_counter() - start < 10, "quadratic time would take hours"


def streamed(pieces):
    stream = CleanStream()
    shown = [*map(stream.feed, pieces), stream.finish()]
    assert not [char for piece in shown for char in piece if is_forbidden(char)]
    return "".join(shown)


def streams_like_the_whole(text):
    whole = clean(text)
    assert streamed(text) == whole, "one character at a time"
    for at in range(len(text) if len(text) <= 50 else 0):
        assert streamed([text[:at], text[at:]]) == whole, at


@settings(max_examples=1500)
@given(any_text)
@example("a\x1b]0;title\x1b]1;again\x07b")
@example("a\x1b[0 0m")
@example("a\r\r\n\x1b\x1b\\")
def test_pieces_make_no_difference_to_what_is_clean(text):
    streams_like_the_whole(text)


@pytest.mark.slow
@settings(max_examples=60_000)
@given(any_text)
def test_pieces_make_no_difference_to_what_is_clean_at_length(text):
    streams_like_the_whole(text)


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["a\x1b", "[3", "1m", "b"], ["a", "", "", "b"]),
        (["a\x1b[1 ", "1"], ["a", "1"]),
        (["a\x1b]52;c;", "eA==", "\x07b"], ["a", "", "b"]),
        (["a\x1b]never", " closed", "\nb"], ["a", "", "never closed\nb"]),
        (["a\x1b]0;x\x1b", "\\b"], ["a", "b"]),
        (["a\x1b]0;x\x1b", "[1mb"], ["a", "0;xb"]),
        (["a\r", "\nb\r", "c"], ["a", "\nb", "\nc"]),
        (["é\u202e", "\u200bà"], ["é", "à"]),
    ],
)
def test_only_what_is_undecided_is_held_back(pieces, shown):
    stream = CleanStream()
    assert [stream.feed(piece) for piece in pieces] == shown


def test_what_is_held_at_the_end_is_cleaned_like_the_end_of_a_text():
    stream = CleanStream()
    assert (stream.feed("a\x1b]0;open"), stream.finish(), stream.finish()) == ("a", "0;open", "")


@pytest.mark.parametrize("unit", ["a", "\x1b]a", "\x1b[0;", "\x1b[ ", "\x9d", "\x1b", "\r", "0", " "])
def test_a_stream_takes_linear_time(unit):
    text = "\x1b]" + unit * (200_000 // len(unit)) + "\x1b[" + unit * (200_000 // len(unit))
    start = time.perf_counter()
    streamed(text)
    assert time.perf_counter() - start < 10, "quadratic time would take minutes"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("openai:m@http://me:pass@host:1/v1", "openai:m@http://***@host:1/v1"),
        ("https://token@host and ftp://a:b@c/@d", "https://***@host and ftp://***@c/@d"),
        ("http://me:p@ss@host/v1", "http://***@host/v1"),
        ("http://host/a@b?c@d", "http://host/a@b?c@d"),
        ("me@host", "me@host"),
    ],
)
def test_passwords_in_addresses(text: str, shown: str) -> None:
    assert without_passwords(text) == shown
