"""JSON Lines, JSON and CSV: one bad record never costs the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.errors import ParseFailed
from retrieval.load.loader import Limits, Loader, Problem
from retrieval.types import Document


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    with Loader(Limits(seconds=20)) as loader:
        yield loader


def load(loader: Loader, path: Path, data: str | bytes) -> list[Document | Problem]:
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return list(loader.load(path))


def documents(items: list[Document | Problem]) -> list[Document]:
    assert all(isinstance(item, Document) for item in items), items
    return [item for item in items if isinstance(item, Document)]


def test_a_dyag_chunk_is_kept_whole(loader: Loader, tmp_path: Path) -> None:
    line = '{"id": "chunk_383", "content": "GIDAF est hébergé par X.", "metadata": {"title": "GIDAF", "n": [1]}}\n'
    assert load(loader, tmp_path / "a.jsonl", line) == [
        Document("GIDAF est hébergé par X.", "GIDAF", "chunk_383", {"title": "GIDAF", "n": [1]}, atomic=True)
    ]


def test_a_beir_line_is_a_document(loader: Loader, tmp_path: Path) -> None:
    line = '{"_id": 42, "title": "Aix", "text": "Aix est une commune.", "metadata": {"source": "w"}}'
    assert load(loader, tmp_path / "a.ndjson", line) == [Document("Aix est une commune.", "Aix", "42", {"source": "w"})]


@pytest.mark.parametrize("key", ["text", "content", "body"])
def test_any_object_with_a_text(loader: Loader, tmp_path: Path, key: str) -> None:
    [document] = documents(load(loader, tmp_path / "a.jsonl", json.dumps({key: "un texte", "autre": 1})))
    assert (document.text, document.external_id, document.atomic) == ("un texte", "", False)


BAD = {
    '{"text": ': "not valid JSON (Expecting value, column 9)",
    '{"text": 12}': "`text` is a number, not a string",
    '{"text": null, "id": 1}': "`text` is null, not a string",
    '{"content": ["a"]}': "`content` is a list, not a string",
    '{"text": " "}': "`text` is empty",
    '{"titre": "a"}': "no `text` or `content`",
    '{"messages": []}': "a training row (`messages`): no `text` or `content`",
    "[1, 2]": "a list, not an object",
    "true": "a boolean, not an object",
    '{"text":' + "[" * 100_000: "nested too deeply",
    '{"text": "a", "metadata": {"a": ' + "[" * 100 + "]" * 100 + "}}": "nested too deeply",
}


def test_bad_lines_are_numbered_and_the_others_are_read(loader: Loader, tmp_path: Path) -> None:
    good = '{"text": "bon"}'
    text = "\n".join(f"{good}\n\n{bad}" for bad in BAD) + f"\n{good}"
    items = load(loader, tmp_path / "a.jsonl", text)
    problems = [item for item in items if isinstance(item, Problem)]
    lines = range(3, 3 * len(BAD) + 1, 3)
    assert problems == [Problem(f"line {n}: {bad}", n) for n, bad in zip(lines, BAD.values(), strict=True)]
    assert sum(isinstance(item, Document) for item in items) == len(BAD) + 1


def test_a_long_number_is_only_a_problem(loader: Loader, tmp_path: Path) -> None:
    [problem] = load(loader, tmp_path / "a.jsonl", '{"text": ' + "1" * 5000 + "}")
    assert isinstance(problem, Problem)
    assert problem.reason.startswith("line 1: not valid JSON")


def test_a_line_too_long_is_skipped(loader: Loader, tmp_path: Path) -> None:
    text = '{"text": "un"}\n{"text": "' + "x" * (3 << 20) + '"}\n{"text": "trois"}\n'
    first, problem, last = load(loader, tmp_path / "a.jsonl", text)
    assert problem == Problem("line 2: 3.0 MB long (the limit is 1 MB)", 2)
    assert [item.text for item in documents([first, last])] == ["un", "trois"]


def test_nan_repeated_keys_and_odd_characters_are_taken(loader: Loader, tmp_path: Path) -> None:
    line = '{"text": "a\\u0000b\\ud800c", "text": "a\\u0000b\\ud800c", "metadata": {"x": NaN, "\\u0000": 1e999}}'
    [document] = documents(load(loader, tmp_path / "a.jsonl", line))
    assert document.text == "ab?c"
    assert document.metadata == {"x": None, "": None}


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_json_lines(loader: Loader, tmp_path: Path, codec: str) -> None:
    data = '{"text": "un été"}\n{"text": "à Noël"}\n'.encode(codec)
    assert [item.text for item in documents(load(loader, tmp_path / "a.jsonl", data))] == ["un été", "à Noël"]


def test_old_encoding_found_late_in_a_large_file(loader: Loader, tmp_path: Path) -> None:
    data = b'{"text": "plain"}\n' * 100_000 + '{"text": "un été à Noël"}\n'.encode("cp1252")
    assert documents(load(loader, tmp_path / "a.jsonl", data))[-1].text == "un été à Noël"


def test_a_large_file_streams(loader: Loader, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1, "content": "' + "x" * 1000 + '"}\n' * 1)
    with path.open("a") as file:
        for number in range(30_000):
            file.write(f'{{"id": {number}, "content": "{"x" * 1000}"}}\n')
    with Loader(Limits(file_mb=1, memory_mb=256)) as small:
        assert sum(1 for _ in small.load(path)) == 30_001


def test_a_json_object_is_lines_of_fields(loader: Loader, tmp_path: Path) -> None:
    value = {
        "nom": "GIDAF",
        "hébergeur": {"nom": "X", "ville": None},
        "tags": ["a", "b"],
        "liens": [{"u": 1}, {"u": 2}],
    }
    [document] = documents(load(loader, tmp_path / "a.json", json.dumps(value)))
    assert document.title == "GIDAF"
    assert document.text == "nom : GIDAF\nhébergeur.nom : X\ntags : a, b\nliens.1.u : 1\nliens.2.u : 2"


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"chunks": rows}])
def test_arrays_of_chunks(loader: Loader, tmp_path: Path, wrap: object) -> None:
    assert callable(wrap)
    rows = [{"id": 1, "content": "un", "metadata": {"title": "T"}}, {"id": 2, "content": 7}]
    items = load(loader, tmp_path / "a.json", json.dumps(wrap(rows)))
    assert items == [Document("un", "T", "1", {"title": "T"}, atomic=True), Document("id : 2\ncontent : 7", "2", "2")]


def test_an_array_of_objects_is_a_document_each(loader: Loader, tmp_path: Path) -> None:
    rows = [{"id": "g", "nom": "GIDAF", "domaine": "finance"}, 3, {}]
    document, *problems = load(loader, tmp_path / "a.json", json.dumps(rows))
    assert document == Document("id : g\nnom : GIDAF\ndomaine : finance", "GIDAF", "g")
    assert problems == [Problem("item 2: a number, not an object"), Problem("item 3: no text in it")]


@pytest.mark.parametrize(("text", "reason"), [("3", "a number, not"), ("{", "not valid JSON"), ("[" * 9999, "deeply")])
def test_json_that_is_no_document(loader: Loader, tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ParseFailed, match=reason):
        load(loader, tmp_path / "a.json", text)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_csv_row_is_lines_of_fields(loader: Loader, tmp_path: Path, delimiter: str) -> None:
    rows = [["ID", "Nom", "Coût"], ["7", "GIDAF", "1.5"], ["8", '"a\nb"', ""]]
    text = "\n".join(delimiter.join(row) for row in rows)
    assert load(loader, tmp_path / "a.csv", text) == [
        Document("ID : 7\nNom : GIDAF\nCoût : 1.5", "GIDAF", "7", {"ID": "7", "Nom": "GIDAF", "Coût": "1.5"}),
        Document("ID : 8\nNom : a b", "a b", "8", {"ID": "8", "Nom": "a\nb", "Coût": ""}),
    ]


def test_decimal_commas_do_not_fool_the_delimiter(loader: Loader, tmp_path: Path) -> None:
    [document] = documents(load(loader, tmp_path / "a.csv", "appli;coût;part\nGIDAF;1,5;2,5\n"))
    assert document.text == "appli : GIDAF\ncoût : 1,5\npart : 2,5"
    assert document.title == "GIDAF"


def test_ragged_rows_are_problems_with_their_line(loader: Loader, tmp_path: Path) -> None:
    items = load(loader, tmp_path / "a.csv", 'a,b,c\n1,2,3\n1,2\n"x\ny",2,3\n1,2,3,4\n1,2,3,,\n')
    problems = [item for item in items if isinstance(item, Problem)]
    assert problems == [
        Problem("line 3: 2 fields where the header has 3", 3),
        Problem("line 6: 4 fields where the header has 3", 6),
    ]
    assert len(items) == 5


def test_a_csv_without_header(loader: Loader, tmp_path: Path) -> None:
    items = load(loader, tmp_path / "a.csv", "GIDAF,2024,12\nSIRH,2023,7\n")
    assert [item.text for item in documents(items)] == ["GIDAF | 2024 | 12", "SIRH | 2023 | 7"]


@pytest.mark.parametrize("rest", [3, 5000])
def test_a_quote_never_closed_costs_its_own_line_only(loader: Loader, tmp_path: Path, rest: int) -> None:
    items = load(loader, tmp_path / "a.csv", 'nom,n\nun,1\n"deux,2\n' + "x,3\n" * rest)
    assert [item for item in items if isinstance(item, Problem)] == [Problem("line 3: a quote is never closed", 3)]
    assert len(items) == rest + 2


def test_a_csv_line_too_long_is_skipped(loader: Loader, tmp_path: Path) -> None:
    items = load(loader, tmp_path / "a.csv", f"nom,n\nun,1\n{'x' * (2 << 20)},2\ntrois,3\n")
    assert Problem("line 3: 2.0 MB long (the limit is 1 MB)", 3) in items
    assert [item.title for item in items if isinstance(item, Document)] == ["un", "trois"]
