"""What a log line keeps of a text that came from outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.api.options import Options
from assistant.api.redact import LONGEST, redact

OPTIONS = Options(token="an-administrators-token", chat_token="a-token-for-the-chat")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Bearer an-administrators-token", "administrators"),
        ("GET /x?t=a-token-for-the-chat", "for-the-chat"),
        ("authorization: Bearer 0123456789", "0123456789"),
        ("Authorization: 'Bearer abcdefg'", "abcdefg"),
        ("https://user:hunter2@host/x", "hunter2"),
        ("s3://b/x?X-Amz-Signature=abcdef012345&y=1", "abcdef012345"),
        ("https://h/x?sig=1&access_token=qwertz", "qwertz"),
        ('{"api_key": "qwertz"}', "qwertz"),
        ("password=qwertz other", "qwertz"),
        ("sk-abcdefghijklmnop1234", "abcdefghijklmnop"),
        ("HF_TOKEN=hf_abcdefghijklmnopq", "abcdefghijklmnopq"),
        ("x" * 490 + " an-administrators-token", "admin"),
    ],
)
def test_secrets_are_masked(text: str, secret: str) -> None:
    assert secret not in redact(text, OPTIONS)


def test_the_rest_is_kept() -> None:
    assert redact("GET /api/finetune/status/ft_1 404", OPTIONS) == "GET /api/finetune/status/ft_1 404"
    assert redact("the token is needed", Options()) == "the token is needed"


@given(st.text(max_size=2000))
def test_a_text_becomes_one_short_line_that_steers_nothing(text: str) -> None:
    line = redact(text, OPTIONS)

    assert len(line) <= LONGEST + 1
    assert not set(line) & set("\n\r\x1b\x9b\x00\x85\u2028\u2029\u202e")
