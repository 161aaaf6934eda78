"""A server's options: from its command line, the environment and the settings, in this order; checked as a whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.api.browser import is_loopback
from assistant.api.options import Options
from retrieval.errors import BadSetting

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.workspace import Home

SHORTEST = 16
"""Characters of a token; fewer can be tried one by one."""
_NEW = "Make one with `python -c 'import secrets; print(secrets.token_urlsafe(32))'` and set DYAG_TOKEN to it."
_NAME = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
_HOST = re.compile(_NAME, re.IGNORECASE)
_URL_HOST = re.compile(rf"{_NAME}(?::[0-9]{{1,5}})?", re.IGNORECASE)


def options_of(
    app: App,
    host: str | None = None,
    port: int | None = None,
    token: str | None = None,
    chat_token: str | None = None,
    hosts: Sequence[str] | None = None,
    dataset_roots: Sequence[str | Path] | None = None,
    url_hosts: Sequence[str] | None = None,
    store: str | None = None,
    retrain_after: int | None = None,
) -> Options:
    """What the command line says (None: nothing), else the environment, else the settings.

    Lists are added to those of the settings. Raises BadSetting.
    """
    said = app.settings.serve
    options = Options(
        host=(said.host if host is None else host).strip("[]").lower(),
        port=said.port if port is None else port,
        token=_token(app.home, "--token", token, said.token, "DYAG_TOKEN"),
        chat_token=_token(app.home, "--chat-token", chat_token, said.chat_token, "DYAG_CHAT_TOKEN"),
        hosts=_hosts((*(hosts or ()), *_list(said.hosts)), _HOST, "--allow-host", "wiki.example.org"),
        dataset_roots=_folders((*(dataset_roots or ()), *_list(said.dataset_roots)), app.home.path),
        url_hosts=_hosts(
            (*(url_hosts or ()), *_list(said.url_hosts)), _URL_HOST, "--allow-url-host", "data.example.org"
        ),
        max_body=said.max_body_mb * 1_000_000,
        max_upload=said.max_upload_mb * 1_000_000,
        max_answers=said.max_answers,
        max_waiting=said.max_waiting,
        store=said.store if store is None else store,
        retrain_after=said.retrain_after if retrain_after is None else retrain_after,
    )
    check_bind(options)
    return options


def check_bind(options: Options) -> None:
    """Whether these options leave the server to those it is for. Raises BadSetting."""
    if not options.token:
        if not is_loopback(options.host):
            message = f"{options.host or 'An empty host'} can be reached from other machines, and no token is set."
            raise BadSetting(message, f"Listen on 127.0.0.1, or set a token. {_NEW}")
        if options.hosts:
            message = f"{options.hosts[0]} lets others reach this server by a proxy, and no token is set."
            raise BadSetting(message, f"Leave --allow-host out, or set a token. {_NEW}")
        if options.chat_token:
            message = "A token for the chat is set and none for the rest, which would be open to all."
            raise BadSetting(message, f"Set both. {_NEW}")
    elif options.token == options.chat_token:
        raise BadSetting("The token for the chat is the administrator's.", "Set another for the chat.")


def _token(home: Home, flag: str, given: str | None, setting: str, variable: str) -> str:
    from assistant.generators.load import environment

    # `--token "$UNSET"` is a mistake that would leave the server open.
    if given is not None and not given.strip():
        raise BadSetting(f"{flag} is empty.", _NEW)
    token = (given or setting or environment(home.env).get(variable, "")).strip()
    if token and not re.fullmatch(r"[!-~]+", token):
        raise BadSetting("A token holds a character that no header can carry.", f"Use ASCII without spaces. {_NEW}")
    if token and len(token) < SHORTEST:
        raise BadSetting(f"A token is shorter than {SHORTEST} characters: it can be guessed.", _NEW)
    return token


def _hosts(names: Sequence[str], form: re.Pattern[str], flag: str, example: str) -> tuple[str, ...]:
    for name in names:
        if not form.fullmatch(name):
            raise BadSetting(f"{flag}: {name!r} is no name of a host.", f"Write it as {example}, without https://.")
    return tuple(dict.fromkeys(name.lower() for name in names))


def _folders(paths: Sequence[str | Path], home: Path) -> tuple[Path, ...]:
    folders = tuple(dict.fromkeys(home / Path(path).expanduser() for path in paths))
    for folder in folders:
        if not folder.is_dir() or folder.resolve() == Path(folder.anchor):
            message = f"--dataset-root: {folder} is not a folder that datasets can be read from."
            raise BadSetting(message, "Name a folder that exists and is not the whole disk.")
    return folders


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
