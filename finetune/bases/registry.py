"""The base models that have a short name: what each is, as `bases.toml` beside this file says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

MINI = Path(__file__).resolve().parents[2] / "models" / "mini"
"""The base that is shipped: it belongs to the program, not to a workspace."""


@dataclass(frozen=True)
class Base:
    """One base model. `bases.toml` explains each value."""

    shortcut: str
    architecture: str
    parameters: int
    layers: int
    width: int
    intermediate: int
    heads: int
    kv_heads: int
    vocabulary: int
    context: int
    """Tokens it reads, prompt and answer together."""
    licence: str
    gated: bool
    template: Literal["chat", "plain"]
    stop: tuple[str, ...]
    pad: str
    targets: tuple[str, ...]
    """Linear layers that LoRA adapts."""
    gguf_pre: str
    hub: str = ""
    """`org/name`; empty for the base that is shipped."""
    revision: str = ""
    """A commit of the Hub; empty: main."""
    aliases: tuple[str, ...] = ()
    recommended: bool = False

    @property
    def page(self) -> str:
        """Where its card and its licence stand; empty for the base that is shipped."""
        return f"https://huggingface.co/{self.hub}" if self.hub else ""

    @property
    def access(self) -> str:
        """What a download needs besides a connection; empty for nothing."""
        return f"accept the licence at {self.page} and set HF_TOKEN" if self.gated else ""


def named(text: str) -> Base | None:
    """The base with this shortcut, alias or name on the Hub, in any case."""
    return _NAMES.get(text.strip().casefold())


def nearest(text: str) -> list[str]:
    """Shortcuts and aliases that are written much like this."""
    close = get_close_matches(text.casefold(), [n for n in _NAMES if "/" not in n], n=3, cutoff=0.5)
    return list(dict.fromkeys(_NAMES[name].shortcut for name in close))


def _read(path: Path) -> dict[str, Base]:
    bases = {}
    for name, written in tomllib.loads(path.read_text(encoding="utf-8")).items():
        values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in written.items()}
        bases[name] = Base(name, **values)
    return bases


BASES: Mapping[str, Base] = _read(Path(__file__).with_name("bases.toml"))
"""By shortcut, in the order they are listed."""
_NAMES = {name.casefold(): base for base in BASES.values() for name in (base.shortcut, base.hub, *base.aliases) if name}
