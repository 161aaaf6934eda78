"""Plain text and Markdown with front matter.

---
title: Portail des demandes
depuis: 2024-01-20
---
# Portail
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Any

from retrieval.errors import ParseFailed
from retrieval.load.encoding import decode
from retrieval.load.make import TooMuch, document, plain, readable
from retrieval.load.values import MB, Limits, Problem, Source
from retrieval.types import Document

TITLE_KEYS = ("title", "name", "titre", "nom")
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#[ \t]+(\S.*)$|^(\S.*)\n={3,}[ \t]*$", re.MULTILINE)
_FRONT_BYTES = 1 << 16


def text(source: Source) -> Iterator[Document | Problem]:
    """A text file is one document."""
    body = yield from _body(source)
    yield document(body, heading(body) or readable(source.path))


def markdown(source: Source) -> Iterator[Document | Problem]:
    """A Markdown file is one document; its front matter becomes metadata."""
    body = yield from _body(source)
    fields: dict[str, Any] = {}
    if match := _FRONT.match(body):
        try:
            fields = _front_matter(match[1])
            body = body[match.end() :]
        except ValueError as error:
            yield Problem(f"its front matter is kept as text: {error}", 1)
    body = without_comments(body)
    title = field_title(fields) or heading(body) or readable(source.path)
    yield document(body, title, metadata=fields, fields_in_text=bool(fields))


def heading(body: str) -> str:
    """The first top heading of a text, outside code blocks; empty when it has none."""
    match = _HEADING.search(_FENCED.sub("", body))
    return (match[1] or match[2]).strip(" \t#") if match else ""


def field_title(fields: dict[str, Any]) -> str:
    """What names a record among its fields."""
    lowered = {key.lower(): value for key, value in reversed(fields.items())}
    return next((str(lowered[key]) for key in TITLE_KEYS if isinstance(lowered.get(key), str | int)), "")


def without_comments(body: str) -> str:
    """Without HTML comments; one that never ends is kept."""
    kept, at = [], 0
    while (start := body.find("<!--", at)) >= 0 and (end := body.find("-->", start)) >= 0:
        kept.append(body[at:start])
        at = end + 3
    return "".join(kept) + body[at:]


def _body(source: Source) -> Generator[Problem, None, str]:
    """The decoded text as the generator's value, after what is wrong with it."""
    body = decode(source.read())
    _check_lines(body, source.limits)
    if stray := body.count("\0"):
        yield Problem(f"{stray} NUL characters removed", body[: body.index("\0")].count("\n") + 1)
        body = body.replace("\0", "")
    if unknown := body.count("\ufffd"):
        yield Problem(f"{unknown} characters could not be decoded", body[: body.index("\ufffd")].count("\n") + 1)
    return body


def _check_lines(body: str, limits: Limits) -> None:
    if len(body) <= limits.line_mb * MB:
        return
    for number, line in enumerate(body.split("\n"), 1):
        if len(line) > limits.line_mb * MB:
            long = f"line {number} is {len(line) / MB:.1f} MB long (the limit is {limits.line_mb} MB)"
            raise ParseFailed(f"{long}: not text a person wrote")


def _front_matter(block: str) -> dict[str, Any]:
    """The fields of a front matter; ValueError says what is wrong with it."""
    import yaml

    if len(block) > _FRONT_BYTES:
        raise ValueError(f"longer than {_FRONT_BYTES >> 10} KB")
    try:
        loaded = plain(yaml.load(block, Loader=_yaml_loader()))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" on line {mark.line + 2}" if mark else ""
        raise ValueError(f"not valid YAML{where}") from error
    except (TooMuch, RecursionError) as error:
        raise ValueError("nested too deeply or too large") from error
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ValueError("not a list of fields")
    return loaded


_loader: Any = None


def _yaml_loader() -> Any:
    """A safe loader that only takes a value for a number when it reads back the same: `01000` is a postal code,
    `12:30` a time, `no` a word and `2024-01-20` already ISO. Without the `<<` rule merges cannot explode."""
    global _loader
    if _loader is None:
        import yaml

        base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        _loader = type("FrontMatterLoader", (base,), {"yaml_implicit_resolvers": {}})
        for tag, pattern, first in (
            ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
            ("null", r"(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
            ("int", r"(?:0|-?[1-9][0-9]{0,17})$", "-0123456789"),
            ("float", r"-?(?:0|[1-9][0-9]{0,9})\.(?:0|[0-9]{0,5}[1-9])$", "-0123456789"),
        ):
            _loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))
    return _loader
