"""Before anything is sent to a service: the files, what they cost, the word of the user, whether the service lets us in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.command import BadUsage

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.hosted_service import OpenAIService
    from finetune.hosted.asked import HostedConfig
    from finetune.hosted.files import Prepared
    from finetune.runs.store import Run


def prepared_files(app: App, config: HostedConfig, scratch: Path) -> Prepared:
    """The files of a training, in a folder, checked and priced. Raises what `prepare` does."""
    from assistant.generators.models.tokens import PER_MESSAGE, estimate, tiktoken_counter
    from finetune.hosted.files import prepare
    from finetune.prices import load_prices
    from retrieval.types import Message

    tiktoken = tiktoken_counter(config.base_model)

    def count(text: str) -> int:
        return tiktoken(text) + PER_MESSAGE if tiktoken else estimate([Message("user", text)])

    app.screen.waiting("checking the rows …")
    return prepare(config, scratch, count, load_prices(app.home.data / "prices.toml"))


def earlier_run(app: App, prepared: Prepared, url: str) -> Run | None:
    """The run that was asked for the same, and has not failed."""
    from finetune.hosted.run import earlier

    return earlier(app.home.models, prepared.key(url))


def agree(app: App, prepared: Prepared, url: str, *, yes: bool) -> None:
    """Show what will be sent and what it costs, and ask. Raises BadUsage where nobody can be asked, or the answer is no."""
    for line in plan(prepared, url):
        app.screen.note(line)
    if yes:
        return
    if not sys.stdin.isatty():
        message = "Nothing was sent: nobody can be asked here whether to send these rows, and to pay for it."
        raise BadUsage(message, "Add --yes to go on without being asked.")
    app.screen.note("Send them, and go on? [y/N]")
    if sys.stdin.readline().strip().casefold() not in ("y", "yes", "o", "oui"):
        raise BadUsage("Nothing was sent.", "Give the command again when it is to be.")


def plan(prepared: Prepared, url: str) -> Iterator[str]:
    """What will be sent where, and what it costs, in words."""
    from finetune.hosted.closing import closing

    config = prepared.config
    yield from prepared.warnings
    for kind, part in prepared.parts.items():
        size = f"{part.rows:,} rows, about {part.tokens:,} tokens, {part.size}"
        yield f"{kind}: {part.source}, {size}, to be sent to {url}"
    suffix = f", suffix {config.suffix}" if config.suffix else ""
    yield f"training: {config.method} of {config.base_model}, {config.epochs} epochs{suffix}"
    yield f"cost: {_cost(prepared)}"
    if told := closing(url, date.today()):
        yield told


def _cost(prepared: Prepared) -> str:
    if prepared.dollars is None:
        return f"the price of {prepared.config.base_model} is not known; data/prices.toml may name it"
    tokens = f"{prepared.trained_tokens:,} trained tokens"
    return f"about ${prepared.dollars:.2f} for about {tokens}, by the prices of {prepared.as_of}"


def check_model(service: OpenAIService, model: str, app: App) -> None:
    """Before a row is sent: whether we are let in, and whether the service has the base. Raises HostedFailed."""
    from assistant.command import nearest
    from finetune.hosted.service import HostedFailed

    try:
        known = service.models()
    except HostedFailed as fault:
        if fault.status in (404, 405, 501):  # a service without a list
            return
        raise
    if known and model not in known:
        app.screen.note(f"{service.url} does not list the model {model}, and may refuse it. {nearest(model, known)}")
