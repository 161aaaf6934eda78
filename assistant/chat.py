"""The chat loop: read a line, run a command or answer a question, go on whatever happens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assistant.command import chat_commands, run_slash
from assistant.commands.ask import BatchFailure, ask_view
from assistant.commands.chat import ChatHelp
from assistant.screen import OutputFailed, bold, dim
from retrieval.errors import UserError

if TYPE_CHECKING:
    from assistant.app import App

PROMPT = "› "
QUIT = ("/quit", "/exit", "/q")
HELP = ("/help", "/?")


@dataclass
class Chat:
    """One session: at a terminal, or one question a line from a file or pipe."""

    app: App
    interactive: bool
    as_json: bool = False
    _asked: set[int] = field(default_factory=set)
    """Exit codes of the questions."""
    _ran: set[int] = field(default_factory=set)
    """Exit codes of the commands."""

    def run(self) -> int:
        """Chat until the input ends or /quit, and return the exit code."""
        if self.interactive:
            self._welcome()
        for number, line in enumerate(self._lines(), 1):
            text = line.strip()
            if text in QUIT:
                break
            if text:
                (self._ran if text.startswith("/") else self._asked).add(self._turn(number, text))
        codes = self._asked or self._ran
        return 0 if self.interactive else next((code for code in (0, 3, 1) if code in codes), 0)

    def _welcome(self) -> None:
        chunks = self.app.library.count_chunks()
        about = f"  {chunks} chunks indexed · /help for commands · Ctrl-D to leave"
        self.app.screen.out(bold("dyag"), dim(about))

    def _lines(self) -> Iterator[str]:
        if not self.interactive:
            yield from (raw.decode("utf-8", "replace") for raw in sys.stdin.buffer)
            return
        import readline  # noqa: F401  (gives input() line editing and history)

        while True:
            try:
                yield input(PROMPT)
            except EOFError:
                print()
                return
            except KeyboardInterrupt:
                print()

    def _turn(self, number: int, text: str) -> int:
        """One line, whatever happens; only Ctrl-C, and an output that cannot be written, end a chat that is piped."""
        try:
            return self._run(text)
        except OutputFailed:
            raise
        except UserError as error:
            self._say(error, number, text)
            return 1
        except KeyboardInterrupt:
            if not self.interactive:
                raise
            self.app.screen.note("interrupted")
            return 1
        finally:
            self.app.screen.flush()

    def _run(self, text: str) -> int:
        if text in HELP:
            return self._help()
        if text.startswith("/help "):
            text = f"/{text.removeprefix('/help ').strip().removeprefix('/')} --help"
        if text.startswith("/"):
            return run_slash(self.app, text, as_json=self.as_json)
        return self._answer(text)

    def _answer(self, question: str) -> int:
        from assistant.answer import Done
        from assistant.render import show

        screen, settings = self.app.screen, self.app.settings
        if not (self.interactive or self.as_json):
            screen.out(bold(f"{PROMPT}{question}"))
        events = self.app.answerer.answer(question, settings.search.top_k, language=self.app.language())
        (answer,) = (event.answer for event in events if isinstance(event, Done))
        code = show(ask_view(answer), screen, as_json=self.as_json)
        if not self.as_json:
            screen.out()
        return code

    def _say(self, error: UserError, number: int, text: str) -> None:
        if self.as_json:
            from assistant.render import plain

            self.app.screen.json(plain(BatchFailure(text[:200], error.message, error.hint, number)))
        else:
            self.app.screen.error(error.message, error.hint)

    def _help(self) -> int:
        from assistant.render import show

        known = {f"/{name}": c.summary for name, c in chat_commands().items() if name == c.name}
        return show(ChatHelp(known | {"/quit": "Leave the chat."}), self.app.screen, as_json=self.as_json)
