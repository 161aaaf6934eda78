"""`dyag config`: every setting, its value and where the value comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.command import command, nearest
from retrieval.errors import BadSetting

if TYPE_CHECKING:
    from assistant.app import App


@dataclass(frozen=True)
class SettingView:
    """A setting as shown: `***` instead of a secret."""

    name: str
    value: Any
    origin: str


@dataclass(frozen=True)
class ConfigView:
    """The settings in force, and the workspace they are for."""

    settings: tuple[SettingView, ...]
    home: Path
    home_origin: str


@command(examples=("dyag config", "dyag config search.top_k", "dyag --set search.top_k=5 config --json"))
def config(
    app: App, key: Annotated[str, typer.Argument(help="Only this setting, such as search.top_k.")] = ""
) -> ConfigView:
    """Show each setting with its value and where it comes from.

    A value comes from --set, else the environment (DYAG_SEARCH__TOP_K), else .env, else dyag.toml, else its default.
    """
    from assistant.settings import origins

    found = [SettingView(s.name, s.shown, s.origin) for s in origins(app.home, app.overrides, warn=app.screen.note)]
    if key and key not in {s.name for s in found}:
        raise BadSetting(f"There is no setting {key}.", nearest(key, [s.name for s in found]))
    return ConfigView(tuple(s for s in found if key in ("", s.name)), app.home.path, app.home.origin)
