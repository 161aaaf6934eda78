"""The documentation says what is there: the manual is generated, the tree is complete, links resolve."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "models" / "README.md"]
PACKAGES = ("assistant", "retrieval", "finetune", "eval")
README = (ROOT / "README.md").read_text(encoding="utf-8")

each_doc = pytest.mark.parametrize("doc", DOCS, ids=lambda doc: str(doc.relative_to(ROOT)))


def tree() -> Iterator[Path]:
    """The paths of the README's file tree: two spaces of indentation a level, folders end with a slash."""
    block = README.split("## File tree", 1)[1].split("```", 2)[1]
    above: list[str] = []
    for line in filter(str.strip, block.splitlines()):
        match = re.fullmatch(r"( *)(\S+)  +\S.*", line)
        assert match, f"no comment: {line}"
        above = [*above[: len(match[1]) // 2], match[2].rstrip("/")]
        yield Path(*above)


def anchors(doc: Path) -> set[str]:
    """The anchors of a page's headings, as Git forges make them."""
    text = re.sub(r"^```.*?^```", "", doc.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    names = re.findall(r"^#{1,6} (.+)$", text, flags=re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", unicodedata.normalize("NFC", name)).strip().lower().replace(" ", "-") for name in names
    }


def test_commands_page_is_what_the_commands_declare() -> None:
    ran = subprocess.run([sys.executable, "docs/make_commands.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_the_chat_in_the_readme_is_one_that_dyag_holds() -> None:
    ran = subprocess.run(
        [sys.executable, "docs/make_transcript.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_readme_names_both_make_commands() -> None:
    assert "`make chat`" in README
    assert "`make test`" in README


def test_every_path_of_the_readme_tree_exists() -> None:
    missing = [str(path) for path in tree() if not (ROOT / path).exists()]
    assert not missing


def test_every_module_is_in_the_readme_tree() -> None:
    named = set(tree())
    files = [file.relative_to(ROOT) for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    # An __init__ is described by the line of its folder.
    missing = [str(f) for f in files if (f.parent if f.name == "__init__.py" else f) not in named]
    assert not missing


@each_doc
def test_internal_links_resolve(doc: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", doc.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (doc.parent / path).resolve() if path else doc
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


@each_doc
def test_no_machine_paths(doc: Path) -> None:
    found = re.findall(r"(?<![\w.])/(?:work|tmp|root|home)/\S*", doc.read_text(encoding="utf-8"))
    assert not found
