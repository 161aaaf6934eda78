"""Text of a request or an error as a log may keep it: one line, nothing that steers a terminal, no secret."""

from __future__ import annotations

import re

from assistant.api.options import Options
from assistant.generators.models.server_text import MASK
from assistant.generators.models.server_text import redact as without_keys
from assistant.sanitize import clean, without_passwords

LONGEST = 500
"""Characters of one text in a log."""
_LOOKED_AT = 10_000
_NAMED = re.compile(
    r"(?i)((?:authorization|[\w-]*(?:api[_-]?key|token|secret|password|signature))[\"']?\s*[=:]\s*[\"']?(?:bearer\s+)?)"
    r"[^\s&\"',;}]+"
)


def redact(text: str, options: Options) -> str:
    """The text without the server's tokens and what looks like a key, a password or a signature, as one short line."""
    line = clean(text[:_LOOKED_AT], newlines=False)
    line = without_keys(line, (options.token, options.chat_token, options.store if "@" in options.store else ""))
    line = _NAMED.sub(rf"\1{MASK}", without_passwords(line))
    return line if len(line) <= LONGEST else line[:LONGEST] + "…"
