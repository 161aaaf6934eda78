"""What was measured, so that it can be told from anything else and measured again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.comparison import Side
from eval.report.blocks import Block, Code, Facts, Paragraph
from eval.types import Identity

_HASH = 12
"""Characters of a hash that are enough to see that it is another."""


def identity_facts(side: Side | Identity, identity: Identity | None = None) -> tuple[Block, ...]:
    """Everything that is known of one side, with the command that measures it again."""
    named = {"Evaluation": side.id, "Mode": side.mode, "Model": side.model}
    if identity is None:
        return (_facts(named),)
    blocks: list[Block] = [_facts(named | _known(identity))]
    if identity.command:
        blocks += [Paragraph("Measured again by:"), Code(identity.command)]
    return tuple(blocks)


def differences(identities: Sequence[Identity]) -> dict[str, tuple[str, ...]]:
    """What the sides were measured with, where two of them say so and differ: by name, in their order."""
    facts = [_compared(one) for one in identities]
    names = sorted({name for fact in facts for name in fact})
    found = {name: tuple(fact.get(name, "") for fact in facts) for name in names}
    return {name: values for name, values in found.items() if len({*values} - {""}) > 1}


def _compared(identity: Identity) -> dict[str, str]:
    own = {"mode": identity.mode, "model": identity.model, "index generation": identity.generation}
    own["model sha256"] = identity.model_sha256[:_HASH]
    return own | {
        name: _said(value) for name, value in {**identity.settings, **identity.versions}.items() if name != "judge"
    }


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
    return ", ".join(f"{name} {_said(value)}" for name, value in sorted(values.items()))


def _said(value: Any) -> str:
    return "unset" if value is None else str(value)
