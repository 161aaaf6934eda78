"""What a GGUF file says of itself: name, licence, what it was made from. Nothing of the machine it was made on."""

from __future__ import annotations

import re
from pathlib import Path

from finetune.bases.registry import Base, named
from finetune.runs.manifest import Manifest

PHI3 = re.compile("phi-?3", re.IGNORECASE)
"""llama.cpp leaves out blanks after the special tokens of a model that has this in its name."""


def metadata(manifest: Manifest, swallows: bool) -> dict[str, str | int]:
    """By GGUF's keys; those that begin with `dyag.` are our own. `swallows`: blanks after special tokens are left out."""
    base = named(manifest.base.name)
    origin = (base.hub or base.shortcut) if base else _public(manifest.base.source)
    organization, _, model = origin.rpartition("/")
    found: dict[str, str | int] = {
        "general.type": "model",
        "general.name": _name(f"{model}, fine-tuned", swallows),
        "general.basename": model,
        "general.finetune": str(manifest.config.get("name") or manifest.id),
        "general.version": manifest.id,
        "general.description": f"{origin}, fine-tuned by dyag ({manifest.method}, {manifest.tuning}).",
        "general.license": base.licence if base else "",
        "general.base_model.count": 1,
        "general.base_model.0.name": model,
        "general.base_model.0.organization": organization,
        "general.base_model.0.version": manifest.base.revision,
        "general.base_model.0.repo_url": base.page if base else "",
        "general.dataset.count": 1,
        "general.dataset.0.name": Path(manifest.dataset.path).name,
        "dyag.run.id": manifest.id,
        "dyag.run.created": manifest.created,
        "dyag.run.method": manifest.method,
        "dyag.run.tuning": manifest.tuning,
        "dyag.base.identity": manifest.base.identity,
        "dyag.dataset.sha256": manifest.dataset.sha256,
        "dyag.dataset.rows": manifest.dataset.rows,
    }
    return {key: value for key, value in found.items() if value != ""} | _link(base)


def _name(name: str, swallows: bool) -> str:
    """One that says Phi-3 where llama.cpp is to read the tokenizer so, and nowhere else."""
    if swallows:
        return name if PHI3.search(name) else f"{name} (phi-3)"
    return PHI3.sub("phi 3", name)


def _link(base: Base | None) -> dict[str, str | int]:
    """Where the licence stands that is accepted with the base."""
    return {"general.license.link": base.page} if base and base.gated else {}


def _public(source: str) -> str:
    """A folder's name without where it lies on the machine."""
    return Path(source).name if Path(source).is_absolute() else source
