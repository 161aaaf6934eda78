"""An empty workspace and a folder of sheets beside it; modules that share an indexed one have a `home` of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import write_sheets


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write_sheets(tmp_path / "docs")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"
