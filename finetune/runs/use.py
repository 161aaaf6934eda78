"""A run put to use: its files whole, on the very base it was trained on, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetune.bases.files import ADAPTER, is_adapter, read_json, weights
from finetune.bases.found import Found, find_base
from finetune.bases.load import Loaded, Wanted, failures, load, quietly
from finetune.bases.registry import named
from finetune.runs.folder import RunFolder, checkpoint_fault, is_checkpoint, torn
from finetune.runs.manifest import Manifest, RunBase
from finetune.runs.store import Run, read_run
from retrieval.errors import BadInput, ModelMissing, UserError

_A, _B = ".lora_A.weight", ".lora_B.weight"
_OUTER = "base_model.model."


class WrongBase(UserError):
    """An adapter and a base model that do not belong together."""


class HostedRun(UserError):
    """A run whose weights lie at a service, where weights are needed."""


@dataclass(frozen=True)
class Trained:
    """A trained model ready to be loaded: a whole one, or an adapter and its base."""

    folder: Path
    base: Path | None = None
    """The folder of an adapter's base; None for a whole model."""


def trained(run: Run, home: Path, base: str = "") -> Trained:
    """The model of a run, every file of it checked; `base` must be the one it was trained on, where it is named.

    Raises NotFound for a run that is not finished, TornRun, ModelMissing, WrongBase, HostedRun.
    """
    manifest = run.whole()
    check_here(manifest)
    if not is_adapter(run.folder.final):  # whatever the manifest calls it
        return Trained(run.folder.final)
    return Trained(run.folder.final, base_of(manifest, home, base))


def check_usable(run: Run, home: Path) -> None:
    """Whether a run can answer: every file of it checked, and its base where it needs one. Raises what `trained` does."""
    if run.manifest is not None and run.manifest.hosted is not None:
        run.whole()
    else:
        trained(run, home)


def base_of(manifest: Manifest, home: Path, name: str = "") -> Path:
    """The folder of the base that an adapter was trained on. Raises ModelMissing, WrongBase, HostedRun."""
    check_here(manifest)
    found = find_base(name or manifest.base.name, home)
    if found.identity != manifest.base.identity:
        raise _wrong(manifest, name or manifest.base.name)
    return found.folder


def check_here(manifest: Manifest) -> None:
    """Raises HostedRun when the weights of a run lie at a service."""
    if manifest.hosted is not None:
        message = f"The weights of the run {manifest.id} lie at {manifest.hosted.url}: there are none here to load."
        hint = f"Ask it as run:{manifest.id}; to export or go on training a model, train one here, without --provider."
        raise HostedRun(message, hint)


def of_folder(folder: Path, home: Path, base: str = "") -> Trained:
    """A model by its folder, of a run of ours or of others: a whole one, or an adapter on the base it names, or that is named.

    Raises ModelMissing, TornRun for what a run of ours did not write so, WrongBase when it was trained on another base.
    """
    folder = folder.resolve()
    if is_checkpoint(folder) and (why := checkpoint_fault(folder)):
        raise torn(folder.parent, f"{folder.name}: {why}")
    run = RunFolder(folder.parent)
    if folder == run.final and run.manifest_path.is_file():
        return trained(read_run(run.path), home, base)
    if not is_adapter(folder):
        return Trained(folder)
    own = str(read_json(folder / ADAPTER, str(folder)).get("base_model_name_or_path") or "")
    if not (base or own):
        hint = "Name the model it was trained on: --base-model NAME."
        raise ModelMissing(f"{folder / ADAPTER} does not name its base model.", hint)
    if base and own and not _same(base, own, folder, home):
        hint = f"Name that one: --base-model {own}."
        raise WrongBase(f"The adapter in {folder} was trained on {own}, not on {base}.", hint)
    found = find_base(base, home) if base else _own_base(own, folder, home)
    if _noted(folder) not in ("", found.identity):
        message = f"The adapter in {folder} was trained on other weights than those of {found.name}."
        raise WrongBase(message, "Put its base back as it was, or train on this one.")
    return Trained(folder, found.folder)


def _own_base(own: str, folder: Path, home: Path) -> Found:
    """The base that an adapter names. Raises ModelMissing."""
    try:
        return find_base(_local(own, folder), home)
    except (ModelMissing, BadInput) as error:
        message = f"The base model {own} of the adapter in {folder} cannot be used. {error.message}"
        raise ModelMissing(message, f"{error.hint} base_model_name_or_path in {ADAPTER} names it.") from error


def _noted(folder: Path) -> str:
    """The identity of the base, as the run of ours that a folder lies in began with it; empty for any other folder."""
    run = RunFolder(folder.parent)
    if not run.request.is_file() or not (is_checkpoint(folder) or folder == run.final):
        return ""
    return str(run.read_request().get("base_identity") or "")


def load_trained(model: Trained, wanted: Wanted, name: str) -> Loaded:
    """Load it; an adapter is put on its base once its shapes were found to fit. Raises ModelMissing, BadSetting, WrongBase."""
    if model.base is None:
        return load(replace(wanted, source=str(model.folder)), name)
    weights(model.folder, name)  # safetensors, or it is not read
    check_config(model.folder, name)
    loaded = load(replace(wanted, source=str(model.base)), name)
    check_shapes(model.folder, loaded.model, name)
    with quietly(), failures(name, model.folder):
        return replace(loaded, model=_adapted(loaded.model, model.folder, name), tokenizer=_tokenizer(model, loaded))


def check_config(adapter: Path, name: str) -> None:
    """Raises ModelMissing for an adapter of another kind, and for one that has peft import what it names."""
    config = read_json(adapter / ADAPTER, name)
    if config.get("peft_type") != "LORA" or config.get("megatron_config"):
        kind = config.get("peft_type") or "nothing known"
        hint = "Only LoRA adapters of plain layers are used."
        raise ModelMissing(f"{name}: {adapter / ADAPTER} describes {kind}, or a library of its own.", hint)


def check_shapes(adapter: Path, model: Any, name: str) -> None:
    """Raises WrongBase when a layer that the adapter changes is missing in the model or has another size."""
    shapes = _shapes(adapter, name)
    modules = dict(model.named_modules())
    for key, (_, inner) in shapes.items():
        if not key.endswith(_A):
            continue
        layer = key.removesuffix(_A).removeprefix(_OUTER)
        outer = shapes.get(key.removesuffix(_A) + _B, (0, 0))[0]
        there = _size(modules.get(layer))
        if there != (inner, outer):
            said = f"takes {there[0]} and gives {there[1]}" if there else "is missing"
            message = f"{name}: the adapter does not fit its base: {layer} {said} there, and {inner} and {outer} here."
            raise WrongBase(message, "Name the model that it was trained on with --base-model.")


def _shapes(adapter: Path, name: str) -> dict[str, tuple[int, int]]:
    """Of every matrix of an adapter; read from the head of the file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(adapter / "adapter_model.safetensors", framework="numpy") as file:
            found = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelMissing(f"{name}: the weights of {adapter} cannot be read: {error}.", "Train it again.") from error
    matrices = {key: shape for key, shape in found.items() if len(shape) == 2}
    if not any(key.endswith(_A) for key in matrices):
        raise ModelMissing(f"{name}: {adapter} holds no LoRA weights.", "Name the folder that the training wrote.")
    return matrices


def _size(layer: Any) -> tuple[int, int] | None:
    """What a layer takes and gives; a Conv1D of GPT-2 says it otherwise than a Linear, and 4-bit weights not at all."""
    if layer is None:
        return None
    if hasattr(layer, "in_features"):
        return int(layer.in_features), int(layer.out_features)
    if hasattr(layer, "nx"):
        return int(layer.nx), int(layer.nf)
    return None


def _adapted(model: Any, folder: Path, name: str) -> Any:
    import peft

    try:
        return peft.PeftModel.from_pretrained(model, str(folder), local_files_only=True).eval()
    except (ValueError, RuntimeError, KeyError, TypeError) as error:
        why = " ".join(str(error).split())[:200].rstrip(".")
        raise WrongBase(f"{name}: the adapter does not fit its base: {why}.", "Name its own: --base-model.") from error


def _tokenizer(model: Trained, loaded: Loaded) -> Any:
    """That of the training, where it was kept: its chat template may be another than the base's."""
    if not (model.folder / "tokenizer_config.json").is_file():
        return loaded.tokenizer
    import transformers

    return transformers.AutoTokenizer.from_pretrained(model.folder, trust_remote_code=False, local_files_only=True)


def _wrong(manifest: Manifest, name: str) -> WrongBase:
    known: RunBase = manifest.base
    was = f"{known.name} ({known.source} {known.revision})".replace(" )", ")")
    message = f"The run {manifest.id} was trained on {was}, and {name} is another model."
    return WrongBase(message, "An adapter answers only on its own base: name that one, or train on this one.")


def _same(one: str, other: str, folder: Path, home: Path) -> bool:
    """Whether two names are those of one model: by the registry, else by what lies there."""
    if one == other or (named(one) is not None and named(one) == named(other)):
        return True
    try:
        return find_base(one, home).identity == find_base(_local(other, folder), home).identity
    except ModelMissing:
        return False


def _local(name: str, folder: Path) -> str:
    """A base that is named relative to the adapter's folder, as peft reads it from there."""
    beside = folder / name
    return str(beside) if beside.is_dir() else name
