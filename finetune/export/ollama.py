"""A run handed to Ollama: its GGUF file, a Modelfile beside it, and the model on the server where one answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from finetune.bases.chat_format import ChatFormat
from finetune.bases.files import read_json
from finetune.bases.load import failures, quietly
from finetune.bases.registry import named
from finetune.export.gguf.export import export_gguf
from finetune.export.gguf.kinds import Kind
from finetune.export.go_template import turns_of
from finetune.export.kept import keep_export, kept_exports
from finetune.export.modelfile import Modelfile
from finetune.export.ollama_server import NoOllama, Server, check_name
from finetune.export.served import Served
from finetune.formats.problems import Problem
from finetune.formats.read import read
from finetune.runs.digests import digest, keeping
from finetune.runs.manifest import Manifest
from finetune.runs.store import Run
from finetune.runs.use import Trained, trained
from retrieval.errors import BadInput
from retrieval.files import write_private

CONTEXT = 8192
"""Tokens that Ollama is told to read, where the model reads more: memory grows with them."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """How a run is to be exported."""

    name: str
    """In Ollama."""
    folder: Path
    """Where the GGUF file and the Modelfile go."""
    kind: Kind = "f16"
    system: str | None = None
    """None: what most of the rows that were learnt begin with."""
    temperature: float = 0.0
    replace: bool = False
    """Whether a model that has the name on the server may go."""


def export_ollama(run: Run, home: Path, asked: Asked, server: Server, say: Say = lambda _: None) -> Served:
    """Write GGUF file and Modelfile, and have the server make the model; without a server the files are all.

    Raises BadInput, also for a name that is taken, TemplateFailed, OllamaFailed, and what `export_gguf` does.
    """
    name = check_name(asked.name)
    manifest = run.whole()
    taken = _taken(server, name)
    if taken and not asked.replace and not _ours(run, server.modelfile(taken)):
        raise BadInput(
            f"The Ollama at {server.url} has a model {taken} already.", "Choose another name, or add --replace."
        )
    made = _modelfile(run, manifest, trained(run, home), asked)
    made.text()  # what a Modelfile cannot hold is told before the model is written
    file, sha256 = _gguf(run, home, asked, say)
    made = replace(made, source=f"./{file.name}")
    path = asked.folder / f"{re.sub(r'[^A-Za-z0-9_.-]', '-', asked.name)}.Modelfile"
    with keeping(path):
        write_private(path, made.text().encode("utf-8", "replace"))
    served = Served(
        name, run.id, manifest.base.name, file, path, sha256, file.stat().st_size, True, False, server.url
    )  # fmt: skip
    if taken and _same(server.modelfile(taken), made, sha256):
        return served
    try:
        served = replace(served, sent=server.send(file, sha256, say))
        server.create(made.request(name, sha256), say)
    except NoOllama as error:
        return replace(served, created=False, missing=error.message)
    keep_export(run.path, _kept(served))
    return served


def _taken(server: Server, name: str) -> str:
    """The model of this name on the server; empty also where no server answers."""
    try:
        return server.has(name)
    except NoOllama:
        return ""


def _ours(run: Run, there: str) -> bool:
    """Whether a Modelfile of the server names a file that was made from this very run."""
    return any(f"sha256-{made.get('sha256')}" in there for made in kept_exports(run.path))


def _same(there: str, made: Modelfile, sha256: str) -> bool:
    """Whether the server's Modelfile is of the same file and says the same: then nothing is left to do."""
    told = (made.template, made.system, *made.stop, f"num_ctx {made.num_ctx}", f"temperature {made.temperature:g}")
    silent = bool(made.system) or "\nSYSTEM " not in there
    return f"sha256-{sha256}" in there and silent and all(text in there for text in told)


def _modelfile(run: Run, manifest: Manifest, model: Trained, asked: Asked) -> Modelfile:
    """Raises TemplateFailed, ModelMissing."""
    import transformers

    name, base = manifest.base.name, named(manifest.base.name)
    whole = model.base or model.folder
    own = (model.folder / "tokenizer_config.json").is_file()
    with quietly(), failures(name, whole):
        tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
            model.folder if own else whole, trust_remote_code=False, local_files_only=True
        )
        config: Any = transformers.AutoConfig.from_pretrained(whole, trust_remote_code=False, local_files_only=True)
    chat = ChatFormat(tokenizer)
    turns = turns_of(chat)
    if tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]:
        turns = turns.without(str(tokenizer.bos_token))
    return Modelfile(
        source="",
        template=turns.go(),
        system=_system(run) if asked.system is None else asked.system,
        stop=_stops(chat, _ends(whole, config), base.stop if base else ()),
        num_ctx=min(int(getattr(config, "max_position_embeddings", 0) or CONTEXT), CONTEXT),
        temperature=asked.temperature,
        licence=base.licence if base else "",
    )


def _stops(chat: ChatFormat, configured: Any, registered: tuple[str, ...]) -> tuple[str, ...]:
    """Texts that end an answer: of the tokens that the model's files name, and of the registry."""
    tokens = [str(chat.tokenizer.convert_ids_to_tokens(number)) for number in chat.ends(configured)]
    known = [text for text in registered if text in chat.tokenizer.get_vocab()]
    return tuple(dict.fromkeys(text for text in (*tokens, *known, chat.stop) if text))


def _ends(folder: Path, config: Any) -> Any:
    path = folder / "generation_config.json"
    said = read_json(path, folder.name).get("eos_token_id") if path.is_file() else None
    return config.eos_token_id if said is None else said


def _system(run: Run) -> str:
    """The system message of most rows that were learnt; empty where they have none, or each its own."""
    rows = [found for found in read(run.folder.dataset) if not isinstance(found, Problem)]
    said = Counter(next((m.content for m in row.prompt if m.role == "system"), "") for row in rows)
    text, count = said.most_common(1)[0] if said else ("", 0)
    return text if count * 2 > len(rows) else ""


def _gguf(run: Run, home: Path, asked: Asked, say: Say) -> tuple[Path, str]:
    """The GGUF file of a run and its sha256; one that was made before, and is as it was written, is used again."""
    for made in kept_exports(run.path):
        file, sha256 = asked.folder / Path(str(made.get("file"))).name, str(made.get("sha256"))
        if made.get("format") == "gguf" and made.get("kind") == asked.kind and file.is_file():
            say(f"checking {file.name}")
            if digest(file) == sha256:
                return file, sha256
    file = _free(asked.folder / f"{run.path.name}-{asked.kind}.gguf")
    return file, export_gguf(run, home, file, asked.kind, say).sha256


def _free(file: Path) -> Path:
    """The same file, or one that is not there yet: what lies there is left alone."""
    number = 2
    free = file
    while free.exists() or free.is_symlink():
        free = file.with_stem(f"{file.stem}-{number}")
        number += 1
    return free


def _kept(served: Served) -> dict[str, Any]:
    """What the run keeps of it."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    told = {key: value for key, value in asdict(served).items() if key not in ("missing", "created", "sent")}
    return {"format": "ollama", "created": now, **told, "gguf": str(served.gguf), "modelfile": str(served.modelfile)}
