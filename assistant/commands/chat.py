"""`dyag chat`: ask in a loop; a line that begins with a slash is a command."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.command import command

if TYPE_CHECKING:
    from assistant.app import App


@dataclass(frozen=True)
class ChatHelp:
    """What can be typed after a slash, and what it does."""

    commands: Mapping[str, str]


@command(
    examples=("dyag chat", "printf 'Qui a créé Redis ?\\n' | dyag chat", "dyag chat --json < questions.txt"),
    in_chat=False,
)
def chat(app: App, as_json: bool = False) -> int:
    """Ask questions one after the other; /help lists the commands, Ctrl-D leaves.

    With standard input not a terminal it answers one question a line and exits: with 0 when at least one was answered,
    3 when none was and at least one was refused, 1 when every one failed, 130 when interrupted. Commands count only
    where there is no question. With --json each line gives one JSON object, as in `dyag ask --batch`.
    """
    from assistant.chat import Chat

    return Chat(app, sys.stdin.isatty(), as_json).run()
