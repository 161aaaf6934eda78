"""Copy a text to the clipboard: by the system's own program, else by the terminal."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from retrieval.errors import UserError

if TYPE_CHECKING:
    from assistant.screen import Screen

LARGEST = 74_994
"""Bytes that terminals take by OSC 52: xterm's limit of 100,000 characters of base64."""


class CopyFailed(UserError):
    """There is no clipboard that can be reached."""


def copy(text: str, screen: Screen, environ: Mapping[str, str] = os.environ) -> str:
    """Copy a text and return what to say of it. Raises CopyFailed."""
    if _by_program(text):
        return "Copied."
    if not screen.stdout.isatty() or environ.get("TERM") == "dumb":
        raise CopyFailed(
            "There is no clipboard that can be reached from here.",
            "Install xclip (X11) or wl-clipboard (Wayland), or use a terminal that sets the clipboard (OSC 52).",
        )
    data = text.encode("utf-8", "replace")
    if len(data) > LARGEST:
        raise CopyFailed(
            f"The text is too long for the terminal's clipboard: {len(data):,} bytes, at most {LARGEST:,}.",
            "Install xclip (X11) or wl-clipboard (Wayland).",
        )
    _by_terminal(data, screen, in_tmux=bool(environ.get("TMUX")))
    return "Sent to the terminal's clipboard; a terminal without OSC 52 takes no notice."


def _by_program(text: str) -> bool:
    """Whether a clipboard program took the text; one without its display takes it and loses it, so it is read back."""
    import pyperclip

    try:
        pyperclip.copy(text)
        return _same(pyperclip.paste(), text)
    except (pyperclip.PyperclipException, OSError, ValueError):
        return False


def _same(pasted: str, text: str) -> bool:
    return pasted.replace("\r\n", "\n").strip() == text.replace("\r\n", "\n").strip()


def _by_terminal(data: bytes, screen: Screen, *, in_tmux: bool) -> None:
    """Set the clipboard by OSC 52. The one write that goes around the sanitiser: base64 holds nothing that steers."""
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    if in_tmux:
        # tmux obeys the first where `set-clipboard on` is set, and hands on the second where `allow-passthrough on` is.
        sequence += "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    screen.stdout.write(sequence)
    screen.flush()
