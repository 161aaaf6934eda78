"""`dyag query-finetuned`: a trained model asked alone, without documents, to see what it has learnt."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.command import command
from retrieval.errors import BadQuestion, GeneratorFailed
from retrieval.text import detect_language
from retrieval.types import INTERRUPTED, Message

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.generators.base import Events
    from assistant.generators.models.openai_model import OpenAIModel
    from assistant.generators.models.run_model import RunModel

PROMPT = "❯ Question: "
_LEAVING = ("exit", "quit")


@dataclass(frozen=True)
class ModelAnswer:
    """What a trained model says by itself."""

    question: str
    answer: str
    model: str
    device: str
    tokens: int
    seconds: float
    tokens_per_second: float
    partial: str = ""
    """Why the answer was broken off; empty for a whole one."""

    @property
    def exit_code(self) -> int:
        return 130 if self.partial == INTERRUPTED else 0


@command(
    "query-finetuned",
    in_chat=False,
    examples=(
        'dyag query-finetuned "Quel port écoute Gitea ?"',
        "dyag query-finetuned --model models/my-model/final --base-model qwen2.5:1.5b",
        "dyag query-finetuned --temperature 0 -v < questions.txt",
    ),
)
def query_finetuned(
    app: App,
    question: Annotated[str, typer.Argument(help="The question; none: asks for one after the other.")] = "",
    model: Annotated[
        str,
        typer.Option("--model", help="A run, a base, or the folder of a model or adapter; default: the promoted run."),
    ] = "promoted",
    base_model: Annotated[
        str, typer.Option("--base-model", help="The base of an adapter; default: the one it names itself.")
    ] = "",
    temperature: Annotated[
        float, typer.Option("--temperature", min=0, max=2, help="0: always the likeliest word.")
    ] = 0.7,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Longest answer.")] = 500,
    device: Annotated[Literal["auto", "cuda", "cpu"], typer.Option("--device", help="Where it computes.")] = "auto",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell tokens, seconds and device.")] = False,
    as_json: bool = False,
) -> int:
    """Ask a trained model alone, without documents; `dyag ask` gives it documents and checks its citations.

    Without a question it asks for one after the other, until `exit` or Ctrl-D; from a pipe, one a line. An adapter is
    refused on any base but its own.
    """
    from assistant.trained import trained_model

    asked = _Asked(app, trained_model(app, model, base_model, device), temperature, max_tokens, verbose, as_json)
    if question.strip():
        return asked.show(question.strip())
    codes = [asked.tried(line) for line in _lines(app, as_json=as_json)]
    return max(codes, default=0) if not sys.stdin.isatty() else 0


@dataclass(frozen=True)
class _Asked:
    """A model that is asked, and how its answers are shown."""

    app: App
    model: RunModel | OpenAIModel
    temperature: float
    max_tokens: int
    verbose: bool
    as_json: bool

    def tried(self, question: str) -> int:
        """Like `show`; a question that fails does not end the others."""
        try:
            return self.show(question, marked=True)
        except (GeneratorFailed, BadQuestion) as error:
            self.app.screen.error(error.message, error.hint)
        except KeyboardInterrupt:
            if not sys.stdin.isatty():
                raise
            self.app.screen.note("interrupted")
        return 1

    def show(self, question: str, *, marked: bool = False) -> int:
        """Ask, show the answer as it comes, and return the exit code. Raises GeneratorFailed."""
        from assistant.render import show
        from assistant.screen import dim, duration

        screen = self.app.screen
        screen.waiting(f"{self.model.name} …")
        answer = self._answer(question, marked=marked)
        if self.as_json:
            return show(answer, screen, as_json=True)
        screen.out()
        if answer.partial:
            screen.remark(f"[not finished: {answer.partial}]")
        if self.verbose:
            rate = f"{answer.tokens_per_second:.3g} tokens/s"
            figures = f"{answer.tokens} tokens, {duration(answer.seconds)}, {rate}, {answer.device}, {answer.model}"
            screen.note(dim(figures))
        return answer.exit_code

    def _answer(self, question: str, *, marked: bool) -> ModelAnswer:
        from assistant.generators.models.openai_model import OpenAIModel

        # What a first answer waits for is the loading, which is no part of its time.
        if not isinstance(self.model, OpenAIModel):
            self.model.warm()
        start = time.perf_counter()
        text, partial = self._streamed(question, marked=marked)
        seconds = time.perf_counter() - start
        count, nothing = (self.model.count((Message("assistant", said),)) for said in (text, ""))
        tokens = max(0, count - nothing)
        return ModelAnswer(
            question, text, self.model.name, self.model.device, tokens, round(seconds, 3),
            round(tokens / seconds, 2) if seconds else 0.0, partial,
        )  # fmt: skip

    def _streamed(self, question: str, *, marked: bool) -> tuple[str, str]:
        """The text, shown as it comes, and why it was broken off."""
        from assistant.generators.base import Cut, Delta
        from assistant.sanitize import CleanStream

        text, partial, safe, events = "", "", CleanStream(), self._events(question)
        try:
            for event in events:
                if isinstance(event, Delta):
                    self._write("[ANSWER] " if marked and not text else "")
                    text += self._write(safe.feed(event.text))
                elif isinstance(event, Cut):
                    partial = event.reason
        except KeyboardInterrupt:
            if not text:
                raise
            partial = INTERRUPTED
        finally:
            events.close()
        return text + self._write(safe.finish()), partial

    def _write(self, text: str) -> str:
        """Show a piece of the answer, at once; returns it."""
        if text and not self.as_json:
            self.app.screen.out(text, end="")
            self.app.screen.flush()
        return text

    def _events(self, question: str) -> Events:
        from assistant.generators.base import Options, Request
        from assistant.generators.model import ModelGenerator

        own = self.app.settings.model
        options = Options(self.temperature, self.max_tokens, max(own.timeout, 600.0), own.seed)
        language = self.app.language() or detect_language(question, default="fr")
        return ModelGenerator(self.model, self.app.prompts, options).generate(Request(question, language, ()))


def _lines(app: App, *, as_json: bool) -> Iterator[str]:
    """Questions: typed at a terminal, else one a line."""
    if not sys.stdin.isatty():
        for line in (raw.decode("utf-8", "replace").strip() for raw in sys.stdin.buffer):
            if line and not as_json:
                app.screen.out(f"{PROMPT}{line}")
            if line:
                yield line
        return
    from prompt_toolkit import PromptSession

    session: PromptSession[str] = PromptSession()
    while True:
        try:
            line = session.prompt(PROMPT).strip()
        except (EOFError, KeyboardInterrupt):
            return
        if line.casefold() in _LEAVING:
            return
        if line:
            yield line
