r"""The one sanitiser for untrusted text (documents, file names, generated answers) that reaches a terminal.

A document can hold `\x1b]52;c;…\x07`, which writes to the clipboard of whoever reads it, or marks that reorder or hide
what is shown. Nothing that is removed here is visible, so the text reads the same without it.
"""

from __future__ import annotations

import re

# Unicode's Default_Ignorable_Code_Point (drawn as nothing: zero widths, bidi controls, tags, fillers) and the
# annotation marks, without U+FE0E/FE0F, which choose how an emoji is drawn. The zero-width joiners go too: a family
# emoji falls apart into its members, and text in French or English loses nothing.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_STRING = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])"
_BODY = r"[^\x00-\x1f\x7f-\x9f]"
_UNSAFE = (
    # A whole string sequence (OSC, DCS, SOS, PM, APC; 7-bit or 8-bit). Its body stops at any control character, so the
    # search is linear, and a string that is never closed cannot swallow what follows: it only loses its introducer.
    rf"{_STRING}{_BODY}*+(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor moves
    r"|\x1b[ -/]*[0-~]?"  # the shorter escapes, such as ESC c (reset)
    r"|(?P<line>\r\n?|[\x0b\x0c\x85\u2028\u2029])"
    r"|(?P<tab>\t)"
    r"|(?P<broken>[\ud800-\udfff])"
    rf"|[\x00-\x08\x0e-\x1f\x7f-\x9f{_IGNORABLE}]"
)
_UNSAFE_NOW = re.compile(_UNSAFE)
# The same in a text that goes on: a sequence that reaches the end of what has come may still grow. The group says with
# what; after the others any character decides.
_UNSAFE_YET = re.compile(
    rf"(?P<string>{_STRING}{_BODY}*+)\Z"
    r"|(?P<parameters>(?:\x1b\[|\x9b)[0-?]*+)\Z"
    r"|(?P<between>(?:\x1b\[|\x9b)[0-?]*+[ -/]++|\x1b[ -/]*+)\Z"
    rf"|(?P<open>{_STRING}{_BODY}*+\x1b|\r)\Z"
    rf"|{_UNSAFE}"
)
_GROWS = {
    "string": re.compile(f"{_BODY}*"),
    "parameters": re.compile(r"[0-?]*"),
    "between": re.compile("[ -/]*"),
    "open": re.compile(""),
}
_PASSWORD = re.compile(r"(?<=://)[^/?#\s]*@")
_UNSAFE_IN_JSON = re.compile(rf"[\x7f-\x9f\u2028\u2029\ud800-\udfff{_IGNORABLE}]")


def clean(text: str, *, newlines: bool = True) -> str:
    """Text that a terminal shows and cannot be steered by. `newlines=False` also makes it one line."""
    if text.isascii() and text.isprintable():
        return text
    safe = _UNSAFE_NOW.sub(_replacement, text)
    return safe if newlines else safe.replace("\n", " ")


class CleanStream:
    """`clean` for a text that comes in pieces: the same result, whatever the pieces.

    Only the beginning of a sequence that is not complete is held back. The longest of them, a string that is not closed, is held
    up to the next control character, a line end at the latest.
    """

    def __init__(self) -> None:
        self._held: list[str] = []
        self._grows = _GROWS["open"]

    def feed(self, text: str) -> str:
        """What may be shown now, given the next piece."""
        if self._held:
            if self._grows.fullmatch(text):
                self._held.append(text)
                return ""
            text = "".join([*self._held, text])
            self._held.clear()
        elif text.isascii() and text.isprintable():
            return text
        return _UNSAFE_YET.sub(self._replacement, text)

    def finish(self) -> str:
        """The rest."""
        rest = clean("".join(self._held))
        self._held.clear()
        return rest

    def _replacement(self, match: re.Match[str]) -> str:
        if match.lastgroup not in _GROWS:
            return _replacement(match)
        self._held.append(match[0])
        self._grows = _GROWS[match.lastgroup]
        return ""


def without_passwords(text: str) -> str:
    """The text with the user and password of every address in it replaced: `http://***@host/v1`."""
    return _PASSWORD.sub("***@", text)


def escape_json(text: str) -> str:
    r"""The same JSON with every character that `clean` would remove written as `\uXXXX`, so that no data is lost."""
    return _UNSAFE_IN_JSON.sub(_escaped, text)


def _replacement(match: re.Match[str]) -> str:
    return {"line": "\n", "tab": "    ", "broken": "\ufffd", None: ""}[match.lastgroup]


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
