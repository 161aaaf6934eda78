"""As much of Go's text/template as Ollama's templates need, so that what one says can be tested without Go.

Texts, `if`/`else if`/`else`, `range $i, $m := X`, variables, fields, strings, numbers, `eq ne and or not len slice`, brackets.
Anything else is an error, as it would be there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_ACTION = re.compile(r"\{\{(?P<left>- )?(?P<code>(?:\"(?:\\.|[^\"\\\n])*\"|[^\"])*?)(?P<right> -)?\}\}", re.DOTALL)
_TOKEN = re.compile(r'\s*(\$?\.?[A-Za-z_$][\w.]*|\$|\.[A-Za-z]\w*|\.|:=|=|,|\(|\)|\d+|"(?:\\.|[^"\\\n])*")')
Tokens = list[str]
FUNCTIONS = {
    "eq": lambda a, *b: a in b,
    "ne": lambda a, b: a != b,
    "not": lambda a: not a,
    "and": lambda *given: next((x for x in given if not x), given[-1]),
    "or": lambda *given: next((x for x in given if x), given[-1]),
    "len": len,
    "slice": lambda given, start: given[start:],
}


class GoError(ValueError):
    """Go would refuse the template."""


def render(template: str, data: Mapping[str, Any]) -> str:
    """The text that a template makes. Raises GoError."""
    nodes = _pieces(template)
    tree, rest = _tree(nodes, ())
    if rest:
        raise GoError(f"unexpected {rest[0]}")
    return _Run(data).block(tree, data)


def _pieces(template: str) -> list[tuple[str, Any]]:
    pieces: list[tuple[str, Any]] = []
    at, trim = 0, False
    while (start := template.find("{{", at)) >= 0:
        found = _ACTION.match(template, start)
        if not found:
            raise GoError("an action is not closed")
        text = template[at:start]
        text = text.lstrip() if trim else text
        pieces.append(("text", text.rstrip() if found["left"] else text))
        pieces.append(("action", _tokens(found["code"])))
        at, trim = found.end(), bool(found["right"])
    pieces.append(("text", template[at:].lstrip() if trim else template[at:]))
    return pieces


def _tokens(code: str) -> Tokens:
    tokens, at, code = [], 0, code.strip()
    while at < len(code):
        found = _TOKEN.match(code, at)
        if not found:
            raise GoError(f"unexpected {code[at:]!r}")
        tokens.append(found[1])
        at = found.end()
        while code[at : at + 1] == " ":
            at += 1
    return tokens


def _tree(nodes: Sequence[tuple[str, Any]], until: tuple[str, ...]) -> tuple[list[Any], list[Any]]:
    made: list[Any] = []
    rest = list(nodes)
    while rest:
        kind, value = rest.pop(0)
        word = value[0] if kind == "action" and value else ""
        if kind == "action" and word in ("end", "else"):
            if word not in until:
                raise GoError(f"{word} without a beginning")
            return made, [("action", value), *rest]
        if word in ("if", "range"):
            node, rest = _branch(word, value[1:], rest)
            made.append(node)
        else:
            made.append((kind, value))
    if until:
        raise GoError("no end")
    return made, rest


def _branch(word: str, pipe: Tokens, rest: list[Any]) -> tuple[Any, list[Any]]:
    body, rest = _tree(rest, ("end", "else"))
    ending = rest.pop(0)[1]
    other: list[Any] = []
    if ending[0] == "else" and len(ending) > 1:
        node, rest = _branch(ending[1], ending[2:], rest)
        return (word, (pipe, body, [node])), rest
    if ending[0] == "else":
        other, rest = _tree(rest, ("end",))
        rest.pop(0)
    return (word, (pipe, body, other)), rest


class _Run:
    def __init__(self, data: Mapping[str, Any]) -> None:
        self.scopes: list[dict[str, Any]] = [{"$": data}]

    def block(self, nodes: Sequence[Any], dot: Any) -> str:
        return "".join(self.node(kind, value, dot) for kind, value in nodes)

    def node(self, kind: str, value: Any, dot: Any) -> str:
        if kind == "text":
            return str(value)
        if kind == "action":
            return self.action(value, dot)
        pipe, body, other = value
        if kind == "if":
            return self.scoped(body if self.value(pipe, dot) else other, dot)
        if len(pipe) < 5 or pipe[1] != "," or pipe[3] != ":=":
            raise GoError("only `range $i, $m := X`")
        listed = self.value(pipe[4:], dot)
        return "".join(self.scoped(body, each, {pipe[0]: i, pipe[2]: each}) for i, each in enumerate(listed))

    def scoped(self, nodes: Sequence[Any], dot: Any, named: Mapping[str, Any] | None = None) -> str:
        self.scopes.append(dict(named or {}))
        try:
            return self.block(nodes, dot)
        finally:
            self.scopes.pop()

    def action(self, tokens: Tokens, dot: Any) -> str:
        if len(tokens) > 2 and tokens[1] in (":=", "="):
            value = self.value(tokens[2:], dot)
            scope = self.scopes[-1] if tokens[1] == ":=" else self.scope_of(tokens[0])
            scope[tokens[0]] = value
            return ""
        value = self.value(tokens, dot)
        return {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else str(value)

    def scope_of(self, name: str) -> dict[str, Any]:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope
        raise GoError(f"undefined variable {name}")

    def value(self, tokens: Tokens, dot: Any) -> Any:
        operands, rest = [], list(tokens)
        while rest:
            found, rest = self.operand(rest, dot)
            operands.append(found)
        if not operands:
            raise GoError("missing value")
        if callable(operands[0]):
            return operands[0](*operands[1:])
        if len(operands) > 1:
            raise GoError(f"{tokens[0]} is no function")
        return operands[0]

    def operand(self, tokens: Tokens, dot: Any) -> tuple[Any, Tokens]:
        first, *rest = tokens
        if first == "(":
            depth = 1
            for i, token in enumerate(rest):
                depth += {"(": 1, ")": -1}.get(token, 0)
                if not depth:
                    return self.value(rest[:i], dot), rest[i + 1 :]
            raise GoError("unclosed bracket")
        if first in FUNCTIONS:
            return FUNCTIONS[first], rest
        if first[0] == '"':
            return json.loads(first), rest
        if first.isdigit() or first in ("true", "false"):
            return json.loads(first), rest
        name, *fields = first.split(".")
        if name and not name.startswith("$"):
            raise GoError(f"function {first} not defined")
        found = self.scope_of(name)[name] if name else dot
        for field in filter(None, fields):
            if field not in found:
                raise GoError(f"no field {field}")
            found = found[field]
        return found, rest
