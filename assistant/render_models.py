"""How base models, and what training them takes, are shown to a person."""

from __future__ import annotations

from dataclasses import fields

from assistant.commands.models import ROW, BaseRow, Fits, Machine, ModelsResult, ModelView
from assistant.lineage import Ancestor
from assistant.render import render
from assistant.render_made import shown
from assistant.render_runs import called
from assistant.screen import Screen, Text, bold, dim, red

_HEAD = ("base", "size", "licence", "here", "LoRA takes", "fits")
_KINDS = {"full": "all weights", "lora": "LoRA", "qlora": "LoRA, 4 bit"}
_FITS: dict[Fits, Text] = {
    "yes": "yes",
    "checkpointing": "with checkpointing",
    "4bit": "in 4 bit",
    "no": red("no"),
}
_RUNS = 5
"""The newest, which are shown."""
_OTHERS = "and any org/name of the Hub, any folder with safetensors weights"


@render.register
def _(result: ModelsResult, screen: Screen) -> None:
    screen.table(_HEAD, [_cells(base) for base in result.bases], ("base",))
    screen.remark(_OTHERS)
    screen.remark(f"LoRA: a row of {ROW:,} tokens at a time. {_free(result.machine)}. * recommended")
    screen.remark("`dyag models show NAME` tells more, such as its page on the Hub.")
    screen.out()
    if not result.runs:
        screen.note("There is no training yet: `dyag train --dataset FILE` makes one.")
    for run in result.runs[:_RUNS]:
        mark, names = "*" if run.promoted else " ", f" ({called(run)})" if called(run) else ""
        screen.out(mark, " ", bold(run.id), f"{names}  {run.base}  {run.method} {run.tuning}  ", dim(run.state))
    if len(result.runs) > _RUNS:
        screen.remark(f"`dyag runs` lists all {len(result.runs)}.")
    promoted = f"* promoted: {result.promoted} answers in the modes finetuned and hybrid"
    screen.remark(promoted if result.promoted else "No run is promoted.")
    for one in result.lineage:
        _ancestor(one, screen)


def _ancestor(one: Ancestor, screen: Screen) -> None:
    """Where the promoted model comes from."""
    rows = f"{one.rows:,} rows of {one.dataset}" + (f" ({one.made})" if one.made else "")
    verdict = f"{one.verdict}: {one.reason}" if one.verdict else "never judged"
    screen.hanging([(bold(one.run), f"{one.method} of {one.base} on {rows}"), ("verdict", verdict)])


def _cells(base: BaseRow) -> tuple[Text, ...]:
    fits: Text = _FITS[base.fits]
    licence = f"{base.licence}, gated" if base.gated else base.licence
    here: Text = "yes" if base.here else dim("no")
    name = f"{base.name} *" if base.recommended else base.name
    return bold(name), _count(base.parameters), licence, here, _size(base.memory), fits


@render.register
def _(result: ModelView, screen: Screen) -> None:
    facts = {**_place(result), **_registry(result)}
    screen.hanging([(bold(name), text) for name, text in facts.items() if text])
    if result.needs:
        screen.out()
        _memory(result, screen)


def _place(view: ModelView) -> dict[str, str]:
    """Where it is, or how to get it."""
    steps = f"first {view.base.access}, then " if view.base and view.base.gated else ""
    missing = (
        f"no; {steps}{view.fetch}" if view.fetch else "no; fetch the project whole, or make it with finetune.pretrain"
    )
    return {
        "name": view.name,
        "here": shown(view.folder) if view.folder else missing,
        "page": view.page,
        "revision": view.revision or ("main" if view.page else ""),
        "identity": view.identity[:16],
    }


def _registry(view: ModelView) -> dict[str, str]:
    base = view.base
    if base is None:
        return {}
    shape = f"{base.layers} layers of {base.width:,}, vocabulary {base.vocabulary:,}"
    return {
        "also called": ", ".join(base.aliases),
        "architecture": f"{base.architecture}: {_count(base.parameters)} parameters, {shape}",
        "context": f"{base.context:,} tokens",
        "licence": f"{base.licence}{', gated' if base.gated else ''}",
        "template": "its own chat template" if base.template == "chat" else "none: plain `User: …`, `Assistant: …`",
        "stop": " ".join(base.stop),
        "pad": base.pad,
        "LoRA targets": " ".join(base.targets),
        "GGUF pre-tokenizer": base.gguf_pre,
    }


def _memory(view: ModelView, screen: Screen) -> None:
    """Part by part, for each kind of training."""
    kinds = list(view.needs)
    parts = fields(view.needs[kinds[0]])
    rows: list[tuple[Text, ...]] = [
        (part.name, *(_size(getattr(view.needs[kind], part.name)) for kind in kinds)) for part in parts
    ]
    rows.append((bold("total"), *(bold(_size(view.needs[kind].total)) for kind in kinds)))
    rows.append(("with checkpointing", *(_size(view.least[kind]) for kind in kinds)))
    rows.append(("fits", *(_fits(view, kind) for kind in kinds)))
    screen.table(("memory to train", *(_KINDS[kind] for kind in kinds)), rows)
    screen.out(dim(f"A row of {ROW:,} tokens at a time. {_free(view.machine)}."))


def _fits(view: ModelView, kind: str) -> Text:
    if view.machine.fits(view.needs[kind].total):
        return _FITS["yes"]
    return _FITS["checkpointing" if view.machine.fits(view.least[kind]) else "no"]


def _free(machine: Machine) -> str:
    where = "the GPU" if machine.device == "cuda" else "this machine (CPU)"
    return f"{_size(machine.free)} of memory are free on {where}"


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.1f}B" if parameters >= 1e9 else f"{parameters / 1e6:.0f}M"


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
