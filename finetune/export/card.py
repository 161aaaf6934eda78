"""The card of a model that was made from a run: what it is, and from what."""

from __future__ import annotations

from pathlib import Path

from finetune.bases.registry import named
from finetune.runs.manifest import Manifest


def card(manifest: Manifest, dtype: str, difference: float, tokens: int) -> str:
    """README.md, with the head that model hubs read."""
    base = named(manifest.base.name)
    name = (base.hub or base.shortcut) if base else _public(manifest.base.source)
    licence = base.licence if base else "see the base model"
    figures = "".join(f"| {key} | {value:.5g} |\n" for key, value in manifest.metrics.items() if value is not None)
    return f"""---
library_name: transformers
pipeline_tag: text-generation
base_model: {name}
base_model_relation: finetune
---

# {name}, fine-tuned

A LoRA adapter merged into its base model. `transformers` loads it by itself; peft is not needed.

| | |
|---|---|
| Base model | {name} {manifest.base.revision} |
| Licence | {licence} |
| Identity of the base | {manifest.base.identity} |
| Run | {manifest.id}, {manifest.method} ({manifest.tuning}), {manifest.created} |
| Dataset | {manifest.dataset.rows} rows, sha256 {manifest.dataset.sha256} |
| Weights | {dtype} |
{figures}
The merged model was compared with the unmerged one: {tokens} greedy tokens the same, logits within {difference:.2g}.
It answers from what it learnt in training and can be wrong; give it documents, and check what it cites.
"""


def _public(source: str) -> str:
    """A folder's name without where it lies on the machine."""
    return Path(source).name if Path(source).is_absolute() else source
