"""Workbooks: a Markdown table for each sheet. Read cell by cell, as empty cells must stay empty and not become NaN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, time
from pathlib import Path
from typing import Any

from retrieval.load.archive import check_zip
from retrieval.load.make import document, readable
from retrieval.load.values import Problem, Source
from retrieval.types import Document

_BEAT = 1000  # rows between two signs of life


def sheets(source: Source) -> Iterator[Document | Problem]:
    """A workbook is one document."""
    source.check_size()
    read = _xls if source.path.suffix.lower() == ".xls" else _xlsx
    parts = []
    for name, rows in read(source.path):
        table = _table(rows, source)
        parts += [f"## {name}\n\n{table}"] if table else []
    yield document("\n\n".join(parts), readable(source.path))


def _xlsx(path: Path) -> Iterator[tuple[str, Iterable[Iterable[Any]]]]:
    import openpyxl  # type: ignore[import-untyped]

    check_zip(path)
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # a wrong declared size hides cells, or makes up a million empty ones
            yield sheet.title, sheet.iter_rows(values_only=True)
    finally:
        book.close()


def _xls(path: Path) -> Iterator[tuple[str, Iterable[Iterable[Any]]]]:
    import xlrd  # type: ignore[import-untyped]

    with xlrd.open_workbook(str(path), on_demand=True) as book:
        for sheet in book.sheets():
            rows = (sheet.row(number) for number in range(sheet.nrows))
            yield sheet.name, ([_xls_value(cell, book.datemode) for cell in row] for row in rows)


def _xls_value(cell: Any, datemode: int) -> Any:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return xlrd.xldate_as_datetime(cell.value, datemode)
        except (ValueError, OverflowError):
            return cell.value
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    return None if cell.ctype == xlrd.XL_CELL_ERROR else cell.value


def _table(rows: Iterable[Iterable[Any]], source: Source) -> str:
    """Rows as a Markdown table, without empty rows and columns."""
    shown = []
    for number, row in enumerate(rows):
        if number % _BEAT == 0:
            source.alive()
        if any(cells := [_cell(value) for value in row]):
            shown.append(cells)
    width = max(map(len, shown), default=0)
    shown = [row + [""] * (width - len(row)) for row in shown]
    used = [column for column in range(width) if any(row[column] for row in shown)]
    table = ["| " + " | ".join(row[column] for column in used) + " |" for row in shown]
    return "\n".join([*table[:1], "|" + " --- |" * len(used), *table[1:]]) if table else ""


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))  # 12.0 in the file is 12 on the screen
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    return " ".join(str(value).split()).replace("|", "\\|")
