"""Which files are read, decided from the suffix alone, before any parser is started."""

from __future__ import annotations

from pathlib import Path

MARKDOWN = frozenset({".md", ".markdown"})
TEXT = frozenset({".txt", ".text", ".rst", ".log", ".adoc", ".org"})
HTML = frozenset({".html", ".htm", ".xhtml"})
XML = frozenset({".xml", ".rss", ".atom"})
LINES = frozenset({".jsonl", ".ndjson"})
TABLES = frozenset({".csv", ".tsv"})
SHEETS = frozenset({".xlsx", ".xls"})
OFFICE = frozenset({".docx", ".pptx", ".epub", ".ipynb", ".msg"})
SUPPORTED = MARKDOWN | TEXT | HTML | XML | LINES | TABLES | SHEETS | OFFICE | {".pdf", ".json", ".eml"}

_IMAGES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".svg", ".heic"})
_SOUNDS = frozenset({".mp3", ".wav", ".ogg", ".flac", ".m4a", ".mp4", ".avi", ".mov", ".mkv", ".webm"})
_ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"})
_CONVERT = {
    ".doc": ".docx", ".odt": ".docx", ".rtf": ".docx", ".pages": ".docx",
    ".ppt": ".pptx", ".odp": ".pptx", ".key": ".pptx",
    ".ods": ".xlsx", ".numbers": ".xlsx", ".xlsb": ".xlsx",
}  # fmt: skip


def unsupported_reason(path: Path) -> str | None:
    """Why a file of this suffix is not read, or None when it is."""
    suffix = path.suffix.lower()
    if suffix in SUPPORTED:
        return None
    if suffix in _IMAGES:
        return "an image: OCR is not included"
    if suffix in _SOUNDS:
        return "sound or video: transcription is not included"
    if suffix in _ARCHIVES:
        return "an archive: unpack it and index what is inside"
    if suffix in _CONVERT:
        return f"{suffix} is not read: save it as {_CONVERT[suffix]}"
    if not suffix:
        return "no file extension: rename it to .txt or .md if it is text"
    return f"{suffix} files are not read"
