"""A run as one GGUF file: merged, written, read back and compared with the original before it has its name."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from finetune.bases.files import read_json, weights
from finetune.bases.load import failures, quietly
from finetune.bases.registry import named
from finetune.export.gguf.architecture import architecture_of, parameters
from finetune.export.gguf.check import Checked, check, expected
from finetune.export.gguf.kinds import K_QUANTS, Kind, KQuant, Own, bytes_of
from finetune.export.gguf.llama_cpp import library, quantize
from finetune.export.gguf.metadata import metadata
from finetune.export.gguf.vocabulary import vocabulary
from finetune.export.gguf.write import write
from finetune.export.kept import keep_export
from finetune.export.merge import BYTES, MARGIN, merge
from finetune.runs.digests import digest
from finetune.runs.manifest import Manifest
from finetune.runs.store import Run
from finetune.runs.use import Trained, trained
from retrieval.errors import BadInput, NoSpace
from retrieval.files import disk_errors, sync_folder

Say = Callable[[str], None]
_NO_SPACE = "Nothing was kept. Free some disk space, or name a file on another disk with --output."


@dataclass(frozen=True)
class Exported:
    """A GGUF file that was written and found right."""

    file: Path
    run: str
    base: str
    architecture: str
    """llama.cpp's name of it."""
    kind: Kind
    bytes: int
    sha256: str
    checked: Checked


def export_gguf(run: Run, home: Path, output: Path, kind: Kind = "f16", say: Say = lambda _: None) -> Exported:
    """Write a run as the GGUF file `output`, which must not exist yet, and keep in the run how near it is.

    Raises BadInput, NotFound, TornRun, WrongBase, ModelMissing, NoSpace, NoAccess, MergeFailed, ExportFailed, QuantizeFailed.
    """
    _check_free(output)
    if kind in K_QUANTS:
        library()
    say("checking the run and its base")
    model = trained(run, home)
    assert run.manifest is not None  # or `trained` had raised
    _source(model.base or model.folder, run.manifest)  # what cannot be written is told before it is merged
    _check_space(output, model, kind)
    with _keeping(output.parent):
        output.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".gguf-", dir=output.parent))  # beside it: it is to be renamed
        try:
            made = _written(run, run.manifest, home, model, part, output, kind, say)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    keep_export(run.path, _kept(made))
    return made


def _written(
    run: Run, manifest: Manifest, home: Path, model: Trained, part: Path, output: Path, kind: Kind, say: Say
) -> Exported:
    folder = model.folder
    if model.base is not None:
        folder = merge(run, home, part / "merged", "float32", say).folder
    source = _source(folder, manifest)
    say("asking the model")
    original = expected(folder, manifest.base.name, int(source.values["context_length"]))
    say("writing the file")
    file = _file(source, manifest, part, kind)
    say("reading it back")
    checked = check(file, original, kind)
    size, sha256 = file.stat().st_size, digest(file)
    _place(file, output)
    return Exported(output, run.id, manifest.base.name, source.architecture, kind, size, sha256, checked)


@dataclass(frozen=True)
class _Source:
    """A whole model, as it is to be written."""

    folder: Path
    config: Any
    architecture: str
    values: Mapping[str, Any]
    """Its shape."""
    tokenizer: Any


def _source(folder: Path, manifest: Manifest) -> _Source:
    """Raises BadInput for what GGUF cannot say, ModelMissing."""
    import transformers

    name = manifest.base.name
    architecture = architecture_of(folder, name)
    with quietly(), failures(name, folder):
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    return _Source(folder, config, architecture, parameters(config, architecture), tokenizer)


def _file(source: _Source, manifest: Manifest, part: Path, kind: Kind) -> Path:
    """Write it; a K-quant is made of a file in f32."""
    base = named(manifest.base.name)
    vocab = vocabulary(source.tokenizer, source.config, base.gguf_pre if base else "", _ends(source.folder))
    own = "f32" if kind in K_QUANTS else cast(Own, kind)
    file = part / f"{own}.gguf"
    write(file, source.folder, source.config, source.architecture, vocab, metadata(manifest, vocab.swallows), own)
    if kind not in K_QUANTS:
        return file
    quantize(file, part / f"{kind}.gguf", cast(KQuant, kind))
    file.unlink()
    return part / f"{kind}.gguf"


def _ends(folder: Path) -> Any:
    """Ids of the tokens that end an answer, as the model's files say; None where they say nothing."""
    path = folder / "generation_config.json"
    return read_json(path, folder.name).get("eos_token_id") if path.is_file() else None


def _place(file: Path, output: Path) -> None:
    """Give a file its name, once it is safe on the disk. Raises BadInput when another has taken it."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
    _check_free(output)
    file.rename(output)
    sync_folder(output.parent)


def _kept(made: Exported) -> dict[str, Any]:
    """What the run keeps of it."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return {"format": "gguf", "created": now, **asdict(made), "file": str(made.file)}


def _check_free(output: Path) -> None:
    if output.exists() or output.is_symlink():
        raise BadInput(f"{output} is there already.", "Name a file that does not exist yet with --output.")


def _check_space(output: Path, model: Trained, kind: Kind) -> None:
    """Raises NoSpace before anything is loaded."""
    folder = model.base or model.folder
    config = read_json(folder / "config.json", folder.name)
    stored = str(config.get("dtype") or config.get("torch_dtype") or "float32")
    count = sum(file.stat().st_size for file in weights(folder, folder.name)) / BYTES.get(stored, 4)
    besides = (BYTES["float32"] if model.base else 0) + (BYTES["float32"] if kind in K_QUANTS else 0)
    needed = count * (bytes_of(kind) + besides) * MARGIN
    there = next(path for path in output.absolute().parents if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        message = f"The export needs {needed / 1e9:.2f} GB under {there}, and {free / 1e9:.2f} GB are free."
        raise NoSpace(message, _NO_SPACE)


@contextmanager
def _keeping(where: Path) -> Iterator[None]:
    """A full or a closed disk as one message. Raises NoSpace, NoAccess."""
    try:
        with disk_errors(where):
            yield
    except NoSpace as error:
        raise NoSpace(error.message, _NO_SPACE) from error
