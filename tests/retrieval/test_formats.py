"""Whole files of every kind through one sync: each is indexed, or reported with one line that says why not."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from workspace import LONG_AGO, Workspace, settle

from retrieval.load.formats import unsupported_reason
from retrieval.sync import SyncReport

FORMATS = Path(__file__).resolve().parents[2].parent / "shared" / "formats"
needs_formats = pytest.mark.skipif(not FORMATS.is_dir(), reason="../shared/formats is not here")
MB = 1 << 20


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    workspace.write("good.md", "# Bonne fiche\n\nCe texte doit se retrouver quoi qu'il arrive.\n")
    return workspace


def reasons(report: SyncReport) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for failure in report.failures:
        found.setdefault(Path(failure.path).name, []).append(failure.reason)
    return found


def only(workspace: Workspace, name: str, data: bytes | str) -> str:
    """Sync one bad file beside a good one; its reason, the only one, on one line."""
    workspace.write(name, data)
    report = workspace.sync()
    ((found, [reason]),) = reasons(report).items()
    assert found == name
    assert "\n" not in reason
    assert len(reason) < 250
    assert (report.added, report.failed) == (1, 1)
    assert workspace.found("Bonne fiche")[0] == "good.md"
    assert reasons(workspace.sync()) == {name: [reason]}, "it is reported again without being read again"
    return reason


# documents as people have them ---------------------------------------------------------------------------------------


@needs_formats
def test_every_file_of_a_folder_is_indexed_or_says_why_not(workspace: Workspace) -> None:
    files = {path for path in FORMATS.rglob("*") if path.is_file()}
    unread = {path.name for path in files if unsupported_reason(path)}
    report = workspace.sync(FORMATS)
    failed = {Path(f.path).name: f.reason for f in report.failures if f.whole_file}
    assert set(failed) == unread
    assert all(reason and "\n" not in reason for reason in failed.values())
    assert (report.added, report.failed) == (len(files) - len(unread), len(unread))
    with workspace.library() as library:
        states = dict(library.query("SELECT path, status FROM files"))
        empty = library.query(
            "SELECT path FROM files f WHERE status='ok' AND NOT EXISTS (SELECT 1 FROM documents d JOIN chunks c "
            "ON c.document_id=d.id WHERE d.file_id=f.id)"
        )
    assert set(states) == {str(path) for path in files}
    assert empty == []
    assert len(workspace.shown()) > len(files)
    assert workspace.found("佐藤太郎")[0] == "test_mskanji.csv"
    assert workspace.found("Certified Collision Repair")[0] == "REPAIR-2022-INV-001_multipage.pdf"
    again = workspace.sync(FORMATS)
    assert (again.unchanged, again.failed, again.rebuilt) == (report.added, report.failed, False)
    assert reasons(again) == reasons(report)


@needs_formats
@pytest.mark.parametrize("name", ["test.docx", "test.xlsx", "test.pdf", "test_outlook_msg.msg"])
def test_half_a_file_is_reported(filled: Workspace, name: str) -> None:
    data = (FORMATS / name).read_bytes()
    reason = only(filled, f"half{Path(name).suffix}", data[: len(data) // 2])
    assert reason.startswith(("damaged", "cannot be read"))


# PDF and zip ---------------------------------------------------------------------------------------------------------


def pdf(trailer: str = "") -> bytes:
    """A page that says "Le portail ouvre lundi"."""
    content = "BT /F1 12 Tf 72 720 Td (Le portail ouvre lundi) Tj ET"
    font = "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources {font} >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
    ]  # fmt: skip
    out, table = io.BytesIO(), ["0000000000 65535 f \n"]
    out.write(b"%PDF-1.4\n")
    for number, body in enumerate(objects, 1):
        table.append(f"{out.tell():010d} 00000 n \n")
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode())
    start = out.tell()
    out.write(f"xref\n0 5\n{''.join(table)}trailer << /Size 5 /Root 1 0 R {trailer} >>\n".encode())
    out.write(f"startxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


LOCK = f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'41' * 32}> /U <{'42' * 32}> >> /ID [<00> <00>]"


def test_an_encrypted_pdf_says_to_remove_the_password(filled: Workspace) -> None:
    assert only(filled, "a.pdf", pdf(LOCK)) == "encrypted: remove the password and index it again"


def test_a_pdf_cut_in_its_page_is_reported(filled: Workspace) -> None:
    data = pdf()
    assert only(filled, "a.pdf", data[: data.index(b"stream")]).startswith("damaged or truncated PDF")


def test_a_pdf_without_its_end_is_indexed_and_reported(filled: Workspace) -> None:
    data = pdf()
    filled.write("a.pdf", data[: data.index(b"startxref")])
    report = filled.sync()
    assert (report.added, report.failed) == (2, 0)
    assert "truncated PDF" in reasons(report)["a.pdf"][0]
    assert filled.found("Quand ouvre le portail ?")[0] == "a.pdf"


@pytest.mark.parametrize("suffix", [".docx", ".xlsx"])
def test_a_zip_bomb_is_reported_and_not_unpacked(filled: Workspace, suffix: str) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * (60 * MB))
    assert len(bomb.getvalue()) < MB
    assert only(filled, f"bomb{suffix}", bomb.getvalue()) == "expands to 60 MB (zip bomb?)"


# text ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.md", "a.txt"])
def test_a_line_of_10_mb_is_no_text_a_person_wrote(filled: Workspace, name: str) -> None:
    line = b"mot " * (10 * MB // 4)
    assert only(filled, name, b"Titre\n" + line) == (
        "line 2 is 10.0 MB long (the limit is 1 MB): not text a person wrote"
    )


def test_nul_characters_are_removed_and_counted(filled: Workspace) -> None:
    filled.write("a.md", b"# Portail\n\nLe portail\0 ouvre\0 lundi.\n" + b"Suite du texte. " * 40)
    report = filled.sync()
    assert (report.added, report.failed) == (2, 0)
    assert reasons(report) == {"a.md": ["2 NUL characters removed"]}
    assert any("Le portail ouvre lundi." in text for text in filled.texts().values())


@pytest.mark.parametrize(
    ("name", "data"), [("empty.md", b""), ("blank.txt", b" \n\n"), ("binary.md", bytes(range(256)))]
)
def test_files_without_text_are_reported(filled: Workspace, name: str, data: bytes) -> None:
    assert only(filled, name, data) in {"an empty file", "no text in it", "not text (binary data)"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "reason"), [(".txt", "1024.0 MB, more than the limit of 100 MB"), (".jsonl", "line 11: ")]
)
def test_a_gigabyte_is_reported_without_being_held(filled: Workspace, suffix: str, reason: str) -> None:
    path = filled.docs / f"huge{suffix}"
    with path.open("wb") as file:
        file.write(b'{"text": "premier"}\n' * 10)
        file.truncate(1024 * MB)
    settle(path, LONG_AGO)
    report = filled.sync()
    found = reasons(report)[path.name]
    assert len(found) == 1
    assert reason in found[0]
    assert filled.found("Bonne fiche")[0] == "good.md"
    path.unlink()


# records -------------------------------------------------------------------------------------------------------------


def lines(*records: object) -> str:
    return "".join(f"{r if isinstance(r, str) else json.dumps(r)}\n" for r in records)


def test_a_broken_line_is_reported_by_its_number_and_the_others_are_read(filled: Workspace) -> None:
    good = {"_id": "a", "text": "Le portail ouvre lundi."}
    filled.write(
        "a.jsonl", lines(good, '{"_id": "b", "text": "sans fin', "", {"_id": "c", "text": "Le guichet ferme."})
    )
    report = filled.sync()
    assert (report.added, report.failed, report.documents) == (2, 0, 3)
    (reason,) = reasons(report)["a.jsonl"]
    assert reason.startswith("line 2: not valid JSON")
    assert filled.found("Quand ferme le guichet ?")[0] == "a.jsonl"


def test_records_of_wrong_types_are_reported_by_line(filled: Workspace) -> None:
    bad = ({"text": 5}, {"text": ["a"]}, {"content": None, "id": "x"}, {"text": ""}, [], "null", "7", {"_id": "x"})
    good = {"_id": 7, "text": "Le portail ouvre lundi.", "metadata": "none", "title": ["x"]}
    filled.write("a.jsonl", lines(*bad, good))
    report = filled.sync()
    assert (report.added, report.failed, report.documents) == (2, 0, 2)
    assert reasons(report)["a.jsonl"] == [
        "line 1: `text` is a number, not a string",
        "line 2: `text` is a list, not a string",
        "line 3: `content` is null, not a string",
        "line 4: `text` is empty",
        "line 5: a list, not an object",
        "line 6: null, not an object",
        "line 7: a number, not an object",
        "line 8: no `text` or `content`",
    ]


def test_a_thousand_bad_lines_are_twenty_and_a_count(filled: Workspace) -> None:
    filled.write("a.jsonl", lines(*["{"] * 1000, {"text": "Le portail ouvre lundi."}))
    found = reasons(filled.sync())["a.jsonl"]
    assert (len(found), found[-1]) == (21, "980 more problems")


def test_a_record_of_10_mb_is_skipped_and_the_next_is_read(filled: Workspace) -> None:
    filled.write("a.jsonl", lines({"text": "mot " * (10 * MB // 4)}, {"text": "Le portail ouvre lundi."}))
    report = filled.sync()
    assert reasons(report) == {"a.jsonl": ["line 1: 10.0 MB long (the limit is 1 MB)"]}
    assert filled.found("Quand ouvre le portail ?")[0] == "a.jsonl"


def test_ids_that_occur_twice_are_kept_and_reported(filled: Workspace) -> None:
    filled.write("a.jsonl", lines(*({"id": "x", "content": f"Contenu {word}."} for word in ("un", "deux", "trois"))))
    report = filled.sync()
    assert reasons(report) == {"a.jsonl": ["id `x` occurs 3 times; all are kept"]}
    assert {"Contenu un.", "Contenu deux.", "Contenu trois."} <= set(filled.texts().values())


def test_a_nul_in_a_record_is_removed(filled: Workspace) -> None:
    filled.write("a.jsonl", lines({"_id": "a\0b", "text": "Le portail\0 ouvre.", "metadata": {"k\0": "v\0"}}))
    report = filled.sync()
    assert report.failed == 0
    assert "Le portail ouvre." in filled.texts().values()


@pytest.mark.parametrize(
    "make", [lambda d: (d / "a.md").mkdir(), lambda d: os.symlink("/dev/zero", d / "a.md")], ids=["folder", "device"]
)
@pytest.mark.skipif(os.name != "posix", reason="devices of POSIX")
def test_a_name_that_ends_like_a_file_may_be_something_else(filled: Workspace, make: Callable[[Path], None]) -> None:
    make(filled.docs)
    report = filled.sync()
    assert report.added == 1
    assert all("not a regular file" in reason for found in reasons(report).values() for reason in found)
