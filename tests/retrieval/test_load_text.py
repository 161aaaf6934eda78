"""Markdown, plain text and their encodings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.errors import ParseFailed
from retrieval.load.loader import Limits, Loader, Problem
from retrieval.types import Document

FRENCH = "Février : l’été où Noël coûte 3 €, ça s'arrête « là ».\nŒuvre à l'île"


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    with Loader(Limits(seconds=20, file_mb=12)) as loader:
        yield loader


def load(loader: Loader, path: Path, data: str | bytes) -> tuple[Document, list[Problem]]:
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    items = list(loader.load(path))
    [document] = [item for item in items if isinstance(item, Document)]
    return document, [item for item in items if isinstance(item, Problem)]


def failure(loader: Loader, path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(ParseFailed) as error:
        list(loader.load(path))
    return error.value.reason


def test_front_matter_becomes_data(loader: Loader, tmp_path: Path) -> None:
    front = (
        "title: Portail\ndepuis: 2024-01-20\nactif: true\nnote: 1.5\nphases:\n  - name: essai\n    start: 2023-05-01\n"
    )
    document, problems = load(loader, tmp_path / "a.md", f"---\n{front}---\n\n# Autre titre\n\ntexte")
    assert not problems
    assert document.title == "Portail"
    assert document.text.strip() == "# Autre titre\n\ntexte"
    assert document.fields_in_text
    assert document.metadata == {
        "title": "Portail", "depuis": "2024-01-20", "actif": True, "note": 1.5,
        "phases": [{"name": "essai", "start": "2023-05-01"}],
    }  # fmt: skip


def test_front_matter_values_read_back_as_written(loader: Loader, tmp_path: Path) -> None:
    written = {"code": "01000", "heure": "12:30", "pays": "NO", "version": "1.10", "vide": "yes"}
    front = "".join(f"{key}: {value}\n" for key, value in written.items())
    assert load(loader, tmp_path / "a.md", f"---\n{front}---\ntexte")[0].metadata == written


@pytest.mark.parametrize(
    "front", ["a: [1, 2", "- a\n- b", "a: !inconnu b", "a: &a [*a]", "[" * 3000, "k: " + "v" * 70_000]
)
def test_broken_front_matter_is_kept_as_text(loader: Loader, tmp_path: Path, front: str) -> None:
    document, [problem] = load(loader, tmp_path / "a.md", f"---\n{front}\n---\ntexte")
    assert problem.line == 1
    assert "front matter" in problem.reason
    assert front in document.text
    assert not document.fields_in_text


@pytest.mark.parametrize("level", ["[{}]", "{{<<: [{}]}}"])
def test_a_yaml_bomb_is_only_a_problem(loader: Loader, tmp_path: Path, level: str) -> None:
    first = "a0: &a0 {x: y}\n" if "<<" in level else "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n"
    lines = [f"a{n}: &a{n} " + level.format(", ".join([f"*a{n - 1}"] * 9)) for n in range(1, 10)]
    document, [problem] = load(loader, tmp_path / "a.md", f"---\n{first}" + "\n".join(lines) + "\n---\ntexte")
    assert "too large" in problem.reason
    assert document.text.endswith("texte")


def test_a_rule_at_the_top_is_no_front_matter(loader: Loader, tmp_path: Path) -> None:
    document, problems = load(loader, tmp_path / "a.md", "---\n\nUn texte sous un trait.")
    assert not problems
    assert document.text == "---\n\nUn texte sous un trait."


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("a.md", "# Le titre #\n\ntexte", "Le titre"),
        ("a.md", "```sh\n# un commentaire\n```\n# Le titre", "Le titre"),
        ("a.md", "Le titre\n========\n\ntexte", "Le titre"),
        ("a.md", "---\nnom: GIDAF\n---\n# Autre", "GIDAF"),
        ("mon-fichier_utile.md", "texte", "mon fichier utile"),
        ("INV-001.txt", "texte", "INV-001"),
    ],
)
def test_titles(loader: Loader, tmp_path: Path, name: str, text: str, title: str) -> None:
    assert load(loader, tmp_path / name, text)[0].title == title


def test_comments_are_removed(loader: Loader, tmp_path: Path) -> None:
    document, _ = load(loader, tmp_path / "a.md", "avant<!-- caché\n-->après <!-- ouvert")
    assert document.text == "avantaprès <!-- ouvert"


def test_a_million_open_comments_take_no_time(loader: Loader, tmp_path: Path) -> None:
    text = "<!--\n" * 500_000
    assert load(loader, tmp_path / "a.md", text)[0].text == text


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_encodings(loader: Loader, tmp_path: Path, codec: str, name: str) -> None:
    document, problems = load(loader, tmp_path / name, FRENCH.encode(codec))
    assert document.text == FRENCH
    assert not problems


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("iso8859-15", "Le prix à l'entrée : 3 € l'été"),
        ("cp850", "Procédure d'accès : le référent « sécurité » valide à l'été"),
        ("mac_roman", "Procédure d'accès : le référent « sécurité » valide à l'été"),
        ("koi8-r", "Съешь же ещё этих мягких французских булок, да выпей чаю"),
        ("shift_jis", "これは日本語のテキストです。東京都"),
        ("gb18030", "这是一个中文文本。北京市"),
    ],
)
def test_older_encodings(loader: Loader, tmp_path: Path, codec: str, text: str) -> None:
    assert load(loader, tmp_path / "a.txt", text.encode(codec))[0].text == text


def test_one_accent_is_enough_to_tell_cp1252(loader: Loader, tmp_path: Path) -> None:
    assert load(loader, tmp_path / "a.txt", "Un été.".encode("cp1252"))[0].text == "Un été."


def test_line_ends_become_one_kind(loader: Loader, tmp_path: Path) -> None:
    assert load(loader, tmp_path / "a.txt", "un\r\ndeux\rtrois\n")[0].text == "un\ndeux\ntrois\n"


def test_a_stray_nul_is_removed_and_said(loader: Loader, tmp_path: Path) -> None:
    document, [problem] = load(loader, tmp_path / "a.txt", "un texte\navec un \0 dedans, et la suite")
    assert document.text == "un texte\navec un  dedans, et la suite"
    assert problem == Problem("1 NUL characters removed", 2)


def test_a_damaged_byte_does_not_change_the_encoding(loader: Loader, tmp_path: Path) -> None:
    document, [problem] = load(loader, tmp_path / "a.txt", (FRENCH * 10).encode() + b"\nfin \xff")
    assert document.text.startswith(FRENCH)
    assert problem.line == 12


def test_many_nuls_are_binary_data(loader: Loader, tmp_path: Path) -> None:
    assert failure(loader, tmp_path / "a.log", b"ab\0\0\0\0cd" * 100) == "not text (binary data)"


def test_a_line_no_person_wrote(loader: Loader, tmp_path: Path) -> None:
    reason = failure(loader, tmp_path / "a.txt", b"un\ndeux\n" + b"x" * (10 << 20))
    assert reason == "line 3 is 10.0 MB long (the limit is 1 MB): not text a person wrote"


def test_a_file_over_the_limit_names_the_setting(loader: Loader, tmp_path: Path) -> None:
    reason = failure(loader, tmp_path / "a.md", b"ligne\n" * (3 << 20))
    assert reason == "18.0 MB, more than the limit of 12 MB (setting `index.max_file_mb`)"
