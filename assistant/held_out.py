"""What a training did to the likelihood of plain texts: the loss of a run's base, and of the run, on the same tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eval.held_out import HeldOut, LossChange, held_out_loss, held_out_texts, loss_change
from retrieval.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from assistant.app import App
    from finetune.bases.load import Loaded, Wanted
    from finetune.runs.store import Run
    from finetune.runs.use import Trained


def held_out_change(app: App, run: Run, texts: Sequence[HeldOut] = ()) -> LossChange:
    """The loss before and after a finished run, on our own held-out texts or on others.

    Raises NotFound, TornRun, ModelMissing, WrongBase, BadSetting, and BadInput where the two do not read the same tokens.
    """
    from finetune.runs.use import base_of, trained

    texts = texts or held_out_texts()
    found = trained(run, app.home.path)
    assert run.manifest is not None  # it was checked
    if found.base is not None:
        return loss_change(texts, *_of_adapter(app, found, texts, f"run:{run.id}"))
    base = base_of(run.manifest, app.home.path)
    return loss_change(texts, *_of_whole(app, (base, found.folder), texts, f"run:{run.id}"))


def token_loss(loaded: Loaded, text: str) -> float:
    """Mean cross-entropy, in nats, of the text's tokens given those before; what exceeds the context is left out.

    A tokenizer without a token that begins a text leaves the first one unpredicted.
    """
    import torch

    ids = torch.tensor([_ids(loaded.tokenizer, text)[: loaded.context]], device=loaded.model.device)
    with torch.inference_mode():
        logits = loaded.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, :-1].float()
    return float(torch.nn.functional.cross_entropy(logits, ids[0, 1:]))


def _of_adapter(app: App, found: Trained, texts: Sequence[HeldOut], name: str) -> tuple[Sequence[float], ...]:
    """(before, after): one model in memory, its adapter off and on."""
    from finetune.runs.use import load_trained

    loaded = load_trained(found, _wanted(app, found.folder), name)
    with loaded.model.disable_adapter():
        before = _losses(loaded, texts)
    return before, _losses(loaded, texts)


def _of_whole(app: App, folders: tuple[Path, Path], texts: Sequence[HeldOut], name: str) -> tuple[Sequence[float], ...]:
    """(before, after): two models, one after the other."""
    from finetune.bases.load import load

    losses, tokens = [], []
    for folder in folders:
        loaded = load(_wanted(app, folder), name)
        losses.append(_losses(loaded, texts))
        tokens.append([_ids(loaded.tokenizer, held.text) for held in texts])
        del loaded  # before the next one is there
    if tokens[0] != tokens[1]:
        message = f"{name} cuts texts into other tokens than its base: their losses cannot be compared."
        raise BadInput(message, "Train with the base's own tokenizer.")
    return tuple(losses)


def _losses(loaded: Loaded, texts: Sequence[HeldOut]) -> tuple[float, ...]:
    return held_out_loss(texts, lambda text: token_loss(loaded, text))


def _wanted(app: App, folder: Path) -> Wanted:
    from finetune.bases.load import Wanted

    own = app.settings.model
    return Wanted(str(folder), own.device, own.dtype, own.quantize, own.context)


def _ids(tokenizer: Any, text: str) -> list[int]:
    begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    return begin + list(tokenizer(text, add_special_tokens=False)["input_ids"])
