"""A model that was trained: a run, or an adapter of others on its base, checked before it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from assistant.generators.models.hf_model import HfModel
from finetune.bases.load import Loaded, Wanted
from finetune.runs.use import Trained, load_trained


class RunModel(HfModel):
    """Like any transformers model, but that its files and its base are checked when it is first used."""

    def __init__(self, name: str, checked: Callable[[], Trained], wanted: Wanted) -> None:
        super().__init__(name, wanted)
        self.checked = checked
        """Where its files are, once they were checked."""

    @property
    def device(self) -> str:
        """Where it computes: `cpu`, `cuda:0`. Raises ModelMissing and BadSetting, as all that loads the model."""
        return str(self._loaded.model.device)

    @cached_property
    def _model(self) -> Loaded:
        return load_trained(self.checked(), self._wanted, self.name)
