"""Changing single values of a settings file: everything else in it, comments too, stays as it is."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from retrieval.errors import BadSetting

_HEADER = re.compile(r"\s*\[")
Value = float | int | str | None


def edited(text: str, changes: Mapping[str, Value]) -> str:
    """A TOML text with these settings (`section.key`) set, or taken out where the value is None. Raises BadSetting.

    Lines are looked for by their look, and what came of it is read back: a file that is written in another way than
    `[section]` and `key = value` is refused, not damaged.
    """
    lines = text.split("\n")
    for name, value in changes.items():
        section, _, key = name.partition(".")
        lines = _set(lines, section, key, value)
    made = "\n".join(lines)
    if (said := _read(made)) is None or said != _wanted(_read(text) or {}, changes):
        wanted = ", ".join(f"{name} = {'(nothing)' if value is None else value}" for name, value in changes.items())
        raise BadSetting("dyag.toml is written in a way that cannot be changed here.", f"Set it by hand: {wanted}.")
    return made


def _set(lines: list[str], section: str, key: str, value: Value) -> list[str]:
    ends = [i for i, line in enumerate(lines) if _HEADER.match(line)]
    header = next((i for i in ends if re.match(rf"\s*\[\s*{section}\s*\]", lines[i])), None)
    begin = 0 if header is None else header + 1
    end = next((i for i in ends if i >= begin), len(lines))
    written = key if header is not None else rf"{section}\s*\.\s*{key}"
    found = re.compile(rf"(\s*{written}\s*=\s*)([^\s#]+)")
    for i in range(begin, end):
        if match := found.match(lines[i]):
            if value is None:
                return lines[:i] + lines[i + 1 :]
            return [*lines[:i], f"{match[1]}{json.dumps(value)}{lines[i][match.end() :]}", *lines[i + 1 :]]
    return lines if value is None else _inserted(lines, header, end, f"[{section}]", f"{key} = {json.dumps(value)}")


def _inserted(lines: list[str], header: int | None, end: int, title: str, line: str) -> list[str]:
    """A line more at the end of its section, which is made at the end of the file where there is none."""
    ending = "\r" if any(text.endswith("\r") for text in lines) else ""
    if header is None:
        body = lines[:-1] if not lines[-1].strip() else [*lines[:-1], lines[-1] + ending]
        gap = [ending] if any(text.strip() for text in body) else []
        return [*body, *gap, title + ending, line + ending, ""]
    place = next(i for i in range(end - 1, header - 1, -1) if lines[i].strip())
    if place == len(lines) - 1:  # a last line that nothing ends
        return [*lines[:-1], lines[-1] + ending, line]
    return [*lines[: place + 1], line + ending, *lines[place + 1 :]]


def _wanted(before: dict[str, Any], changes: Mapping[str, Value]) -> dict[str, Any]:
    """What the changed file has to say."""
    for name, value in changes.items():
        section, _, key = name.partition(".")
        before.setdefault(section, {})[key] = value
        if value is None:
            del before[section][key]
    return {name: values for name, values in before.items() if values != {}}


def _read(text: str) -> dict[str, Any] | None:
    """What a file says, without empty sections; None where it is no TOML."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    return {name: values for name, values in found.items() if values != {}}
