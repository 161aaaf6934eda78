"""The card of a run in a storage: README.md, with the head that model hubs read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from finetune.bases.registry import Base, named
from finetune.runs.manifest import Manifest


def adapter_card(manifest: Manifest) -> str:
    """What the run is and what it was made from: base, data, figures, licence; nothing of the machine."""
    if manifest.hosted is not None:
        return _hosted_card(manifest)
    base = named(manifest.base.name)
    name = (base.hub or base.shortcut) if base else _public(manifest.base.source)
    adapter = "final/adapter_config.json" in manifest.artifacts
    what = f"A LoRA adapter on {name}" if adapter else f"{name}, tuned in full"
    return f"""---
{_head(manifest, base, name, adapter)}---

# {_title(manifest)}

{what}, trained by dyag ({manifest.method}). The files are in `final/`, all weights as safetensors.

| | |
|---|---|
| Base model | {name} {manifest.base.revision} |
| Identity of the base | {manifest.base.identity} |
| Licence of the base | {base.licence if base else "see the base model"} |
| Run | {manifest.id}, {manifest.created}, on {manifest.device or "an unknown device"} |
| Dataset | {manifest.dataset.rows} rows, {manifest.dataset.tokens} tokens, sha256 {manifest.dataset.sha256} |
{_figures(manifest)}
{_use(name, adapter)}
It answers from what it learnt in training and can be wrong; give it documents, and check what it cites.
`manifest.json` has the sha256 of every file, the options and the versions; `dyag runs pull` checks them.
"""


def _hosted_card(manifest: Manifest) -> str:
    """Of a run whose weights lie at a service."""
    values = {"base_model": manifest.base.name, "tags": ["dyag", manifest.method, "hosted"]}
    head = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
    assert manifest.hosted is not None
    return f"""---
{head}---

# {_title(manifest)}

{manifest.base.name}, trained by the service {manifest.hosted.url} ({manifest.method}). The weights lie there, and are asked
for by the name {manifest.hosted.model}: here are the rows, the figures and the manifest.

| | |
|---|---|
| Base model | {manifest.base.name} |
| Job | {manifest.hosted.job} |
| Run | {manifest.id}, {manifest.created} |
| Dataset | {manifest.dataset.rows} rows, {manifest.dataset.tokens} tokens, sha256 {manifest.dataset.sha256} |
{_figures(manifest)}
`manifest.json` has the sha256 of every file, the options and the versions; `dyag runs pull` checks them.
"""


def _head(manifest: Manifest, base: Base | None, name: str, adapter: bool) -> str:
    """YAML; its values are written as JSON, which is YAML too."""
    values: dict[str, Any] = {
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        "base_model": name,
        "base_model_relation": "adapter" if adapter else "finetune",
        "tags": ["dyag", manifest.method, *(["lora"] if adapter else [])],
    }
    values |= {"license": base.licence} if base else {}
    values |= {"license_link": base.page} if base and base.gated else {}
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())


def _title(manifest: Manifest) -> str:
    return " ".join(str(manifest.config.get("name") or manifest.id).split())


def _figures(manifest: Manifest) -> str:
    return "".join(f"| {name} | {value:.5g} |\n" for name, value in manifest.metrics.items() if value is not None)


def _use(name: str, adapter: bool) -> str:
    """How it is loaded without dyag."""
    if not adapter:
        return "```python\nAutoModelForCausalLM.from_pretrained(FOLDER, subfolder='final')\n```\n"
    load = f"AutoModelForCausalLM.from_pretrained({name!r})"
    return f"```python\nPeftModel.from_pretrained({load}, FOLDER, subfolder='final')\n```\n"


def _public(source: str) -> str:
    """A folder's name without where it lies on the machine."""
    return Path(source).name if Path(source).is_absolute() else source
