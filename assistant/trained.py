"""A trained model by whatever name it has: a run, the folder of a model or of an adapter, a base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import NotFound

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.generators.models.openai_model import OpenAIModel
    from assistant.generators.models.run_model import RunModel
    from finetune.runs.manifest import Manifest
    from finetune.runs.store import Run


def base_model(app: App, manifest: Manifest) -> str:
    """`provider:model` of what a run was trained on. Raises ModelMissing, WrongBase."""
    from finetune.runs.use import base_of

    if manifest.hosted is None:
        return f"hf:{base_of(manifest, app.home.path)}"
    return replace(manifest.hosted, model=manifest.base.name).generator


def trained_model(app: App, name: str, base: str = "", device: str = "auto") -> RunModel | OpenAIModel:
    """A run, by any of its names, or any other model, loaded when first used; `base` names that of an adapter.

    Raises NotFound, BadInput, TornRun, WrongBase, ModelMissing.
    """
    from assistant.generators.models.run_model import RunModel
    from assistant.named_models import model_named
    from finetune.bases.load import Wanted
    from finetune.runs.store import Runs
    from finetune.runs.use import of_folder, trained

    home, own = app.home.path, app.settings.model
    name = model_named(app.settings, name).removeprefix("run:")
    base = str(Path(base).expanduser().absolute()) if base and Path(base).expanduser().is_dir() else base
    wanted = Wanted(name, device if device != "auto" else own.device, own.dtype, own.quantize, own.context)
    try:
        run = Runs(app.home.models).find(name)
    except NotFound:
        if name == "promoted":
            raise
        folder = _folder(name, home)
        ready = of_folder(folder, home, base)
        return RunModel(folder.name if folder.name in name else name, lambda: ready, wanted)
    if run.manifest is not None and run.manifest.hosted is not None:
        return hosted_model(app, run)
    ready = trained(run, home, base)
    return RunModel(f"run:{run.id}", lambda: ready, wanted)


def hosted_model(app: App, run: Run) -> OpenAIModel:
    """The model of a run that a service trained. Raises TornRun, BadSetting."""
    from assistant.generators.load import environment, load_model
    from assistant.generators.models.openai_model import OpenAIModel

    made = load_model(f"run:{run.id}", app.settings.model, environment(app.home.env), app.home.path)
    assert isinstance(made, OpenAIModel)  # of a service of OpenAI's API
    return made


def _folder(name: str, home: Path) -> Path:
    """Of a model that is no run: its own, or that of a base. Raises NotFound, ModelMissing."""
    from finetune.bases.files import find, is_folder, is_path, path_of
    from finetune.bases.registry import named

    source = name.removeprefix("hf:")
    for path in (path_of(source, Path.cwd()), path_of(source, home)):
        if not named(source) and is_folder(path):
            return path
    # A name on the Hub is org/name too; it is a path where its first part is a folder here.
    first = source.partition("/")[0]
    if is_path(source) or ("/" in source and any(is_folder(path_of(first, at)) for at in (Path.cwd(), home))):
        raise NotFound(f"There is no folder `{source}`.", "`dyag runs` and `dyag models` list what there is.")
    if not named(source) and "/" not in source:
        hint = "`dyag runs` and `dyag models` list what there is; a folder is written ./folder, a model of the Hub org/name."
        raise NotFound(f"There is no run `{name}`, and no base of this name.", hint)
    return find(source, name, beside=home)
