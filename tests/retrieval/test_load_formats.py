"""Real documents in many formats, and files made to do harm."""

from __future__ import annotations

import io
import os
import re
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.errors import ParseFailed
from retrieval.load import frames
from retrieval.load.loader import SUPPORTED, WORKER, Limits, Loader, Problem, unsupported_reason
from retrieval.types import Document

FORMATS = Path(__file__).resolve().parents[2].parent / "shared" / "formats"
needs_formats = pytest.mark.skipif(not FORMATS.is_dir(), reason="../shared/formats is not here")

EXPECTED = {  # a phrase that must come out, and the title
    "RECEIPT-2024-TXN-98765_retail_purchase.pdf": ("4567 Innovation Blvd", "TECHMART ELECTRONICS"),
    "REPAIR-2022-INV-001_multipage.pdf": ("Certified Collision Repair", "ZAVA AUTO REPAIR"),
    "SPARSE-2024-INV-1234_borderless_table.pdf": ("Sarah Martinez", "INVENTORY RECONCILIATION REPORT"),
    "masterformat_partial_numbering.pdf": (
        "Rotary Clubs of Grande Prairie",
        "RFP for Construction Management Services",
    ),
    "movie-theater-booking-2024.pdf": ("STARLIGHT CINEMAS", "BOOKING ORDER"),
    "test.pdf": ("While there is contemporaneous exploration of multi-agent approaches", "Introduction"),
    "equations.docx": ("The angle is", "equations"),
    "rlink.docx": ("Testing Linked Images", "rlink"),
    "test.docx": ("314b0a30-5b04-470b-b9f7-eed2c2bec74a", "AutoGen: Enabling Next-Gen LLM Applications"),
    "test_with_comment.docx": ("d666f1f7-46cb-42bd-9a39-9a39cf2a509f", "AutoGen: Enabling Next-Gen LLM Applications"),
    "test.pptx": ("2cdda5c8-e50e-4db4-b5f0-9722a649f455", "AutoGen: Enabling Next-Gen LLM Applications"),
    "test.xlsx": ("6ff4173b-42a5-4784-9b19-f49caff4d93d", "test"),
    "test.xls": ("affc7dad-52dc-4b98-9b5d-51e65d8a8ad0", "test"),
    "test.epub": ("Here's a second chapter with a *different* style.", "Test EPUB Document"),
    "test.json": ("uuid_value : 9700dc99-6685-40b4-9a3a-5e406dcb37f3", "test"),
    "test_blog.html": ("Large language models (LLMs) are powerful tools", "Does Model and Inference Parameter Matter"),
    "test_wikipedia.html": ("founded by Bill Gates and Paul Allen", "Microsoft - Wikipedia"),
    "test_serp.html": ("Microsoft", "Microsoft wikipedia - Search"),
    "test_notebook.ipynb": ('print("markitdown")', "Test Notebook Title"),
    "test_outlook_msg.msg": ("This is the body of the test email message", "Test Email Message"),
    "test_rss.xml": ("Ignite 2024: Why nearly 70% of the Fortune 500", "The Official Microsoft Blog"),
}


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    with Loader(Limits(seconds=20)) as loader:
        yield loader


def one(loader: Loader, path: Path) -> Document:
    [document] = (item for item in loader.load(path) if isinstance(item, Document))
    return document


def failure(loader: Loader, path: Path, data: bytes | None = None) -> str:
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ParseFailed) as error:
        list(loader.load(path))
    return error.value.reason


@needs_formats
@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_document_gives_its_text_and_title(loader: Loader, name: str) -> None:
    phrase, title = EXPECTED[name]
    document = one(loader, FORMATS / name)
    assert phrase in re.sub(r"\s+", " ", document.text)
    assert document.title.startswith(title)


@needs_formats
@pytest.mark.parametrize("expected", sorted((FORMATS / "expected_outputs").glob("*.md")), ids=lambda path: path.stem)
def test_nearly_every_word_expected_is_recovered(loader: Loader, expected: Path) -> None:
    [source] = [path for path in FORMATS.glob(f"{expected.stem}.*") if path.suffix == ".pdf"]
    wanted = set(re.findall(r"\w+", expected.read_text("utf-8")))
    found = set(re.findall(r"\w+", one(loader, source).text))
    assert len(wanted & found) >= 0.97 * len(wanted)


@needs_formats
def test_every_file_of_the_folder_is_read_or_says_why_not(loader: Loader) -> None:
    unread = {path.name for path in FORMATS.iterdir() if path.is_file() and unsupported_reason(path)}
    assert unread == {"LICENSE", "random.bin", "test.jpg", "test_llm.jpg", "test_files.zip"}
    assert failure(loader, FORMATS / "test.jpg") == "an image: OCR is not included"
    assert len(EXPECTED) + len(unread) + 1 == sum(path.is_file() for path in FORMATS.iterdir())


@needs_formats
def test_japanese_csv_in_its_old_encoding(loader: Loader) -> None:
    rows = list(loader.load(FORMATS / "test_mskanji.csv"))
    assert [row.text for row in rows if isinstance(row, Document)] == [
        "名前 : 佐藤太郎\n年齢 : 30\n住所 : 東京",
        "名前 : 三木英子\n年齢 : 25\n住所 : 大阪",
        "名前 : 髙橋淳\n年齢 : 35\n住所 : 名古屋",
    ]


@needs_formats
def test_menus_and_trackers_of_web_pages_are_left_out(loader: Loader) -> None:
    wikipedia = one(loader, FORMATS / "test_wikipedia.html").text
    assert "Jump to content" not in wikipedia
    assert wikipedia.startswith("# Microsoft")
    assert "bing.com/ck/a" not in one(loader, FORMATS / "test_serp.html").text


@needs_formats
def test_binary_data_called_text_is_refused(loader: Loader, tmp_path: Path) -> None:
    assert failure(loader, tmp_path / "a.txt", (FORMATS / "random.bin").read_bytes()) == "not text (binary data)"


@needs_formats
def test_every_page_of_a_pdf_is_a_sign_of_life() -> None:
    with subprocess.Popen([*WORKER, "{}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdin is not None
        assert isinstance(worker.stdout, io.BufferedReader)
        worker.stdin.write(frames.encode({"kind": "load", "path": str(FORMATS / "test.pdf")}))
        worker.stdin.close()
        replies = worker.stdout
        kinds = [message["kind"] for message in iter(lambda: frames.read(replies, 1 << 20), None)]
    assert kinds == ["ready", "alive", "document", "done"]


@needs_formats
@pytest.mark.parametrize("suffix", [".docx", ".pptx", ".xlsx", ".epub", ".pdf", ".xls", ".msg"])
def test_a_truncated_file_is_said_to_be_damaged(loader: Loader, tmp_path: Path, suffix: str) -> None:
    name = "test_outlook_msg.msg" if suffix == ".msg" else f"test{suffix}"
    data = (FORMATS / name).read_bytes()
    reason = failure(loader, tmp_path / f"a{suffix}", data[: len(data) // 3])
    assert "damaged" in reason or "cannot be read" in reason
    assert len(reason) < 250


def pdf(text: str = "", trailer: str = "") -> bytes:
    """A one-page PDF, small enough to read."""
    content = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET" if text else ""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
    ]  # fmt: skip
    out, offsets = io.BytesIO(b"%PDF-1.4\n"), []
    out.seek(0, os.SEEK_END)
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode())
    start = out.tell()
    out.write(b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    out.write(f"trailer << /Size 5 /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def test_a_small_pdf(loader: Loader, tmp_path: Path) -> None:
    (tmp_path / "note-de-service.pdf").write_bytes(pdf("Le portail ouvre lundi"))
    assert one(loader, tmp_path / "note-de-service.pdf").text.strip() == "Le portail ouvre lundi"


def test_a_scanned_pdf_has_no_text(loader: Loader, tmp_path: Path) -> None:
    assert failure(loader, tmp_path / "a.pdf", pdf()) == "no text in it (a scan? OCR is not included)"


def test_an_encrypted_pdf(loader: Loader, tmp_path: Path) -> None:
    lock = f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'41' * 32}> /U <{'42' * 32}> >> /ID [<00> <00>]"
    reason = failure(loader, tmp_path / "a.pdf", pdf("secret", lock))
    assert reason == "encrypted: remove the password and index it again"


def test_a_pdf_without_its_end_gives_what_is_left_and_says_so(loader: Loader, tmp_path: Path) -> None:
    data = pdf("Le portail ouvre lundi")
    (tmp_path / "a.pdf").write_bytes(data[: data.index(b"startxref")])
    problem, document = loader.load(tmp_path / "a.pdf")
    assert isinstance(problem, Problem)
    assert "truncated PDF" in problem.reason
    assert isinstance(document, Document)
    assert "Le portail ouvre lundi" in document.text


@pytest.mark.parametrize("data", [b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n<< /Type", b"not a PDF at all"])
def test_a_damaged_pdf(loader: Loader, tmp_path: Path, data: bytes) -> None:
    assert failure(loader, tmp_path / "a.pdf", data).startswith("damaged or truncated PDF")


@pytest.mark.parametrize("suffix", [".docx", ".pptx", ".xlsx", ".epub"])
def test_a_zip_bomb_is_not_unpacked(loader: Loader, tmp_path: Path, suffix: str) -> None:
    with zipfile.ZipFile(tmp_path / f"bomb{suffix}", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("word/document.xml", b" " * (60 << 20))
    assert failure(loader, tmp_path / f"bomb{suffix}") == "expands to 60 MB (zip bomb?)"


def test_a_password_protected_office_file(loader: Loader, tmp_path: Path) -> None:
    reason = failure(loader, tmp_path / "a.docx", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600)
    assert reason.startswith("encrypted")


def test_an_xml_bomb_is_refused(loader: Loader, tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "ha">{entities}]><a>&e11;</a>'
    assert failure(loader, tmp_path / "a.xml", bomb.encode()).startswith("not valid XML")


def test_plain_xml_gives_its_elements(loader: Loader, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<apps><app><nom>GIDAF</nom><domaine>finance</domaine></app></apps>")
    assert one(loader, tmp_path / "a.xml").text == "nom : GIDAF\ndomaine : finance"


def test_a_workbook_keeps_numbers_dates_and_empty_cells(loader: Loader, tmp_path: Path) -> None:
    import datetime

    import openpyxl  # type: ignore[import-untyped]

    book = openpyxl.Workbook()
    for row in (["Nom", "Depuis", "Coût", None], ["GIDAF", datetime.date(2024, 1, 20), 12.0, None], ["a|b", None, 1.5]):
        book.active.append(row)
    book.save(tmp_path / "apps.xlsx")
    assert one(loader, tmp_path / "apps.xlsx").text.split("\n")[2:] == [
        "| Nom | Depuis | Coût |", "| --- | --- | --- |", "| GIDAF | 2024-01-20 | 12 |", "| a\\|b |  | 1.5 |",
    ]  # fmt: skip


def test_an_email(loader: Loader, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(
        b"From: Zo\xc3\xa9 <zoe@example.org>\r\nTo: tous@example.org\r\nSubject: =?utf-8?q?R=C3=A9union?=\r\n"
        b"Date: Mon, 1 Jan 2024 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>HTML</p>\r\n"
        b"--b\r\nContent-Type: text/plain; charset=cp1252\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        b"\xc0 lundi, salle 12.\r\n--b--\r\n"
    )
    mail = one(loader, tmp_path / "a.eml")
    assert mail.title == "Réunion"
    assert "To : tous@example.org\nDate : Mon, 01 Jan 2024 10:00:00 +0100" in mail.text
    assert mail.text.endswith("À lundi, salle 12.")
    assert "HTML" not in mail.text


def test_an_email_with_only_html(loader: Loader, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"Subject: x\nContent-Type: text/html\n\n<p>Le <b>portail</b> ouvre</p>")
    assert one(loader, tmp_path / "a.eml").text == "Le **portail** ouvre"


def test_a_page_nested_deeper_than_the_stack_keeps_its_text(loader: Loader, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<div>" * 5000 + "au fond" + "</div>" * 5000)
    assert one(loader, tmp_path / "a.html").text == "au fond"


def test_names_with_underscores_are_not_escaped(loader: Loader, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>La clé API_KEY et 2*3*4</p>", "utf-8")
    assert one(loader, tmp_path / "a.html").text == "La clé API_KEY et 2*3*4"


def test_a_page_in_an_old_encoding(loader: Loader, tmp_path: Path) -> None:
    page = "<html><head><meta charset='windows-1251'><title>Привет</title></head><body>Как дела</body></html>"
    (tmp_path / "a.html").write_bytes(page.encode("cp1251"))
    document = one(loader, tmp_path / "a.html")
    assert (document.title, document.text) == ("Привет", "Как дела")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(loader: Loader, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.md")
    assert failure(loader, tmp_path / "a.md") == "not a regular file"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_a_closed_file(loader: Loader, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    (tmp_path / "a.md").chmod(0)
    assert "Permission denied" in failure(loader, tmp_path / "a.md")


def test_missing_empty_and_blank_files(loader: Loader, tmp_path: Path) -> None:
    assert failure(loader, tmp_path / "gone.md") == "cannot be read: No such file or directory"
    assert failure(loader, tmp_path / "a.md", b"") == "an empty file"
    assert failure(loader, tmp_path / "b.md", b" \n\n") == "no text in it"


def test_what_is_not_read_says_what_to_do() -> None:
    assert unsupported_reason(Path("a.MD")) is None
    assert all(suffix == suffix.lower() and unsupported_reason(Path(f"a{suffix}")) is None for suffix in SUPPORTED)
    assert unsupported_reason(Path("a.odt")) == ".odt is not read: save it as .docx"
    assert unsupported_reason(Path("Makefile")) == "no file extension: rename it to .txt or .md if it is text"
    assert unsupported_reason(Path("a.exe")) == ".exe files are not read"


def test_a_file_name_that_is_not_utf8(loader: Loader, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md"))
    try:
        path.write_text("texte")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert one(loader, path).text == "texte"
