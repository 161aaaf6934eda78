"""`dyag chat`: ask in a loop; a line that begins with a slash is a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.command import command

if TYPE_CHECKING:
    from assistant.app import App


@command(examples=("dyag chat", "printf 'Qui a créé Redis ?\\n' | dyag chat"))
def chat(app: App) -> None:
    """Ask questions one after the other; /help lists the commands, Ctrl-D leaves.

    With standard input not a terminal it answers one question a line and exits.
    """
    from assistant.chat import run

    run(app)
