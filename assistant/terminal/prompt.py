"""The prompt of the chat: editing, history, completion, the bar below.

This module loads prompt_toolkit (0.1 s), so it is imported where a prompt is shown and nowhere else.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Always, Condition, has_focus
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from assistant.sanitize import clean
from assistant.terminal.complete import LineCompleter
from assistant.terminal.editor import edit
from retrieval.errors import UserError

if TYPE_CHECKING:
    from assistant.app import App

PROMPT = "› "
HISTORY = 1000
"""Lines of the history that are read."""
TWICE = 2.0
"""Seconds within which a second Ctrl-C leaves."""
_TICK = 1.0
"""Seconds after which the bar is drawn anew: a job goes on beside the prompt."""

Bar = str | list[tuple[str, str]]
"""A text, or pieces with their prompt_toolkit style."""

_STYLE = {
    "prompt": "bold",
    "auto-suggestion": "#808080",
    "bottom-toolbar": "noreverse",
    "bottom-toolbar.text": "dim",
    "completion-menu": "bg:default fg:default",
    "completion-menu.completion.current": "bg:default fg:default reverse",
    "completion-menu.meta.completion": "bg:default fg:default dim",
    "completion-menu.meta.completion.current": "bg:default fg:default",
    "scrollbar.background": "bg:default",
    "scrollbar.button": "bg:#808080",
    "search": "bg:default fg:default underline",
}
_COLOURLESS = {
    **dict.fromkeys(_STYLE, "noreverse nobold nodim nounderline"),
    "completion-menu.completion.current": "reverse",
    "search-toolbar": "nobold",
    "incsearch": "reverse",
}


class Terminal:
    """Asks for lines at a terminal; a dumb one gets a bare prompt and no control sequence."""

    def __init__(
        self,
        app: App,
        bar: Callable[[], Bar],
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._bar = bar
        self._environ = environ
        self._clock = clock
        self._last_interrupt = self._drawn = float("-inf")
        self._shown: StyleAndTextTuples = []
        self._notice = ""
        self._history = _Typed()
        self._running: PromptSession[str] | None = None

    def ask(self) -> str:
        """What is typed next, cleaned and kept in the history. Raises EOFError on Ctrl-D, or Ctrl-C twice."""
        self._notice = ""
        text = clean(self._ask_bare() if self._environ.get("TERM") == "dumb" else self._ask())
        if text.strip():
            self._app.conversation.remember(text)
        return text

    def when_drawn(self, begin: Callable[[], None]) -> None:
        """Call this once the prompt stands on the screen: what is loaded then does not keep it waiting."""
        if self._environ.get("TERM") == "dumb":
            begin()
            return
        drawn = self._session.app.after_render

        def once(_: object) -> None:
            drawn.remove_handler(once)
            begin()

        drawn.add_handler(once)

    def refresh(self) -> None:
        """Draw the bar anew; from any thread."""
        self._drawn = float("-inf")
        if self._running is not None:
            self._running.app.invalidate()

    def interrupted(self) -> bool:
        """Tell of a Ctrl-C; whether it is the second within two seconds, which leaves."""
        now = self._clock()
        second = now - self._last_interrupt < TWICE
        self._last_interrupt = now
        return second

    def _ask(self) -> str:
        self._history.lines = _lines(self._app)
        self._running = self._session
        return self._session.prompt()

    def _ask_bare(self) -> str:
        """Not `input()`, which lets readline write control sequences where that is loaded."""
        while True:
            try:
                sys.stdout.write(_encodable_prompt())
                sys.stdout.flush()
                line = sys.stdin.readline()
            except KeyboardInterrupt:
                sys.stdout.write("\n")
                if self.interrupted():
                    raise EOFError from None
                continue
            if not line:
                raise EOFError
            return line.rstrip("\n")

    @cached_property
    def _session(self) -> PromptSession[str]:
        plain = bool(self._environ.get("NO_COLOR"))
        session: PromptSession[str] = PromptSession(
            [("class:prompt", _encodable_prompt())],
            style=Style.from_dict(_COLOURLESS if plain else _STYLE),
            color_depth=ColorDepth.DEPTH_1_BIT if plain else None,
            history=self._history,
            completer=_Completer(LineCompleter(self._app)),
            # Without a colour a suggestion would look like what was typed.
            auto_suggest=None if plain else AutoSuggestFromHistory(),
            bottom_toolbar=self._toolbar,
            prompt_continuation=" " * len(PROMPT),
            key_bindings=self._keys(),
            refresh_interval=_TICK,
            include_default_pygments_style=False,
        )
        # Here and not above: PromptSession allows only one of the two.
        buffer = session.default_buffer
        buffer.enable_history_search = Always()
        buffer.complete_while_typing = Condition(lambda: buffer.text.startswith("/"))
        return session

    def _toolbar(self) -> StyleAndTextTuples:
        """The bar, read again once a tick: it is drawn at every key."""
        now = self._clock()
        if now - self._last_interrupt < TWICE:
            return [("", " Ctrl-C again to leave")]
        if self._notice:
            return [("", f" {self._notice}")]
        if now - self._drawn >= _TICK:
            self._drawn = now
            self._shown = [("", " "), *((style, clean(text, newlines=False)) for style, text in self._pieces())]
        return self._shown

    def _pieces(self) -> list[tuple[str, str]]:
        try:
            bar = self._bar()
        except UserError as error:  # an index that cannot be read: the prompt is still there to mend it
            bar = error.message
        return [("", bar)] if isinstance(bar, str) else bar

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        typing = has_focus(DEFAULT_BUFFER)

        @keys.add("escape", "enter", filter=typing)
        def _(event: KeyPressEvent) -> None:
            event.current_buffer.newline(copy_margin=False)

        @keys.add("c-c", filter=typing)
        @keys.add("<sigint>", filter=typing)
        def _(event: KeyPressEvent) -> None:
            again = self.interrupted()
            if again and not event.current_buffer.text:
                event.app.exit(exception=EOFError, style="class:aborting")
            event.current_buffer.reset()

        @keys.add("c-x", "c-e", filter=typing)
        async def _(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            try:
                edited = await run_in_terminal(lambda: edit(buffer.text, environ=self._environ))
            except UserError as error:
                self._notice = clean(f"{error.message} {error.hint}", newlines=False)
            else:
                if edited is not None:
                    buffer.document = Document(edited.rstrip("\n"))

        return keys


class _Typed(History):
    """Lines of the journal, the latest first. `Terminal.ask` reads them for each prompt: what was forgotten is gone."""

    lines: list[str]

    def __init__(self) -> None:
        super().__init__()
        self.lines = []

    async def load(self) -> AsyncGenerator[str, None]:
        for line in self.lines:
            yield line

    def get_strings(self) -> list[str]:
        return self.lines[::-1]

    def append_string(self, string: str) -> None:
        """Nothing: a line is kept after the prompt has ended, where an error can be told."""

    def load_history_strings(self) -> Iterable[str]:
        return self.lines

    def store_string(self, string: str) -> None:
        pass


class _Completer(Completer):
    """Our completion as prompt_toolkit asks for it."""

    def __init__(self, complete: LineCompleter) -> None:
        self._complete = complete

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        replaced, candidates = self._complete(document.text_before_cursor)
        for found in candidates:
            yield Completion(found.text, -replaced, display=found.shown, display_meta=found.help)


def _lines(app: App) -> list[str]:
    """The history, each line once; none where the journal cannot be read, which is told when it cannot be written."""
    try:
        return list(dict.fromkeys(app.journal.lines(HISTORY)))
    except UserError:
        return []


def _encodable_prompt() -> str:
    """`› `, or `> ` where the terminal's encoding has no such character."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return PROMPT if PROMPT.encode(encoding, "replace").decode(encoding) == PROMPT else "> "
