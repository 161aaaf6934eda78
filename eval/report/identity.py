"""What was measured, so that it can be told from anything else and measured again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eval.comparison import Side
from eval.report.blocks import Block, Code, Facts, Paragraph
from eval.types import Identity


def identity_facts(side: Side | Identity, identity: Identity | None = None) -> tuple[Block, ...]:
    """Everything that is known of one side, with the command that measures it again."""
    named = {"Evaluation": side.id, "Mode": side.mode, "Model": side.model}
    if identity is None:
        return (_facts(named),)
    blocks: list[Block] = [_facts(named | _known(identity))]
    if identity.command:
        blocks += [Paragraph("Measured again by:"), Code(identity.command)]
    return tuple(blocks)


def _known(identity: Identity) -> dict[str, str]:
    return {
        "Measured": identity.created,
        "Model sha256": identity.model_sha256,
        "Cases": f"{identity.cases} ({identity.count:,})",
        "Cases sha256": identity.cases_sha256,
        "Index generation": identity.generation,
        "Settings": _listed(identity.settings),
        "Versions": _listed(identity.versions),
    }


def _facts(pairs: Mapping[str, str]) -> Facts:
    return Facts(tuple((name, text) for name, text in pairs.items() if text))


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(values.items()))
