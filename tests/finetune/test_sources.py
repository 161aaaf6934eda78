"""Documents of a library, and ready-made chunks read back into documents."""

from __future__ import annotations

import json

import pytest
from workspace import Workspace

from finetune.sources import Source, SourceDocument


def chunks(workspace: Workspace, *records: dict[str, object]) -> None:
    workspace.write("chunks.jsonl", "".join(json.dumps(record) + "\n" for record in records))


def documents(workspace: Workspace, **options: object) -> list[SourceDocument]:
    workspace.sync()
    with workspace.library(create=False) as library:
        return list(Source(library, roots=[workspace.docs], **options).documents())  # type: ignore[arg-type]


def test_files_are_documents_under_the_librarys_numbers(workspace: Workspace) -> None:
    workspace.write("redis.md", "# Redis\n\nLicence : BSD")
    workspace.write("sub/gitea.md", "# Gitea\n\nLicence : MIT")
    found = documents(workspace)
    assert [(d.key, d.title, d.language) for d in found] == [
        ("redis.md", "Redis", "en"),
        ("sub/gitea.md", "Gitea", "en"),
    ]
    ids = workspace.texts()
    assert [c.number for d in found for c in d.chunks] == list(ids)
    assert [c.text for d in found for c in d.chunks] == list(ids.values())


def test_ready_made_chunks_keep_their_number_and_others_are_counted_around_them(workspace: Workspace) -> None:
    chunks(
        workspace,
        {"id": "chunk_2", "content": "Licence : BSD", "metadata": {"title": "Redis"}},
        {"id": "autre", "content": "Licence : MIT", "metadata": {"title": "Gitea"}},
        {"id": "chunk_383", "content": "Licence : GPL", "metadata": {"title": "Caddy"}},
    )
    workspace.write("zoo.md", "# Zoo\n\nLicence : libre")
    found = documents(workspace, given=True)
    assert {d.title: d.chunks[0].number for d in found} == {"Redis": 2, "Gitea": 1, "Caddy": 383, "Zoo": 3}


def test_chunks_of_one_document_are_one_document(workspace: Workspace) -> None:
    chunks(
        workspace,
        {"id": "chunk_1", "content": "Licence : BSD", "metadata": {"document": "redis.md", "title": "Redis"}},
        {"id": "chunk_2", "content": "Port : 6379", "metadata": {"document": "redis.md", "title": "Redis, ports"}},
        {"id": "chunk_3", "content": "Port : 80", "metadata": {"document": "caddy.md", "title": "Caddy"}},
        {"id": "chunk_4", "content": "Port : 90", "metadata": {"title": "Etcd"}},
        {"id": "chunk_5", "content": "Langage : Go", "metadata": {"title": "Etcd"}},
    )
    found = documents(workspace, given=True)
    assert [[c.number for c in d.chunks] for d in found] == [[1, 2], [3], [4, 5]]
    assert [len(d.records) for d in found] == [2, 1, 2]


def test_passages_are_found_by_their_number(workspace: Workspace) -> None:
    chunks(workspace, {"id": "chunk_77", "content": "Licence : BSD", "metadata": {"title": "Redis"}})
    workspace.sync()
    with workspace.library(create=False) as library:
        source = Source(library, given=True, roots=[workspace.docs])
        found = source.passages([77, 999])
    assert list(found) == [77]
    assert (found[77].chunk_id, found[77].document, found[77].text) == (77, "chunks.jsonl", "Licence : BSD")


def test_titles_by_which_nobody_asks(workspace: Workspace) -> None:
    for name, title in {"a": "README", "b": "Introduction", "c": "2024", "d": "Redis", "e": "Page 3"}.items():
        workspace.write(f"{name}.md", f"---\ntitle: {title}\n---\nLicence : BSD")
    assert {d.title: d.has_name for d in documents(workspace)} == {
        "README": False, "Introduction": False, "2024": False, "Redis": True, "Page 3": False,
    }  # fmt: skip


SHEETS = [("GIDAF", "Hébergeur : SI-RAPP\nStatut : ouvert"), ("Colibri", "Hébergeur : Nord\nStatut : fermé")]
SHAPES = {
    "title": lambda name: {"source": "apps.md", "title": name},
    "title with its part": lambda name: {"source": "apps.md", "title": f"{name} - Description"},
    "name in the metadata": lambda name: {"source": "apps.md", "app_name": name, "title": "Description"},
    "nothing": lambda name: {"source": "apps.md"},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_chunks_of_one_file_about_several_things_are_a_document_each(workspace: Workspace, shape: str) -> None:
    records = []
    for name, fields in SHEETS:
        first = f"Nom : {name}\n{fields}" if shape == "nothing" else fields
        records += [
            {"id": f"chunk_{len(records) + i}", "content": text, "metadata": SHAPES[shape](name)}
            for i, text in enumerate((first, "Les sauvegardes sont quotidiennes."))
        ]
    chunks(workspace, *records)
    found = documents(workspace, given=True)
    assert [(d.title, [c.number for c in d.chunks]) for d in found] == [("GIDAF", [0, 1]), ("Colibri", [2, 3])]


def test_chunks_with_headings_for_titles_are_one_document_named_by_its_file(workspace: Workspace) -> None:
    about = [
        ("Description", "Redis garde des données."),
        ("Installation", "Port : 6379"),
        ("Contacts", "Écrire à la DSI."),
    ]
    chunks(workspace, *(
        {"id": f"chunk_{i}", "content": text, "metadata": {"source": "fiches/redis_cache.md", "title": title}}
        for i, (title, text) in enumerate(about)
    ))  # fmt: skip
    (found,) = documents(workspace, given=True)
    assert (found.title, len(found.chunks)) == ("redis cache", 3)


def test_a_source_that_all_share_is_no_document(workspace: Workspace) -> None:
    chunks(workspace, *(
        {"id": f"chunk_{i}", "content": "Un texte.", "metadata": {"source": "wikipedia", "title": title}}
        for i, title in enumerate(("Aix", "Albi"))
    ))  # fmt: skip
    assert [d.title for d in documents(workspace, given=True)] == ["Aix", "Albi"]


def test_rows_and_things_of_one_file_have_keys_of_their_own(workspace: Workspace) -> None:
    workspace.write("machines.csv", "Nom;Site\nPC-1;Lyon\nPC-2;Lille\nPC-2;Paris\n")
    sheet = "## {0}\n\nHébergeur : Nord\nStatut : {0}\n"
    workspace.write("sheets.md", f"# Applications\n\n{sheet.format('GIDAF')}\n{sheet.format('Colibri')}")
    found = documents(workspace)
    assert [d.key for d in found] == [
        "machines.csv#PC-1", "machines.csv#PC-2", "machines.csv#PC-2 2", "sheets.md#GIDAF", "sheets.md#Colibri", "sheets.md",
    ]  # fmt: skip
    assert len({d.id for d in found}) == len(found)
    assert [(d.is_whole, d.records != ()) for d in found[3:]] == [(True, False), (True, False), (False, False)]
