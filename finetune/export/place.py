"""A folder in a storage that fsspec reaches; what its driver raises comes as one message."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from retrieval.errors import BadInput, ModelMissing, UserError

BLOCK = 1 << 20
Tick = Callable[[str, int, int], None]
"""Told what is done, its bytes so far, and all of them; what it raises breaks the copy off."""


class NotStored(UserError):
    """A run could not be copied, or what lies there is not what was sent."""


@dataclass(frozen=True)
class Place:
    """A folder in a storage."""

    system: Any
    root: str
    shown: str
    """The URL without a password."""

    @classmethod
    def at(cls, url: str) -> Place:
        """Raises ModelMissing where no driver is installed, BadInput, NotStored."""
        import fsspec  # type: ignore[import-untyped]

        shown = re.sub(r"://[^/@\s]*@", "://", url).rstrip("/")
        if not url.strip() or re.match(r"[A-Za-z][A-Za-z0-9+]+:(?!//)", url):
            hint = "Write it like s3://bucket/runs or file:///mnt/share."
            raise BadInput(f"`{shown}` is no address of a storage.", hint)
        if "://" in url and url.partition("://")[0].partition("::")[0] not in fsspec.available_protocols():
            hint = "file, s3, gs, az, sftp, hf, memory and others are known: those of fsspec."
            raise BadInput(f"No storage is known as {shown.partition('://')[0]}://.", hint)
        try:
            with _reaching(shown):
                system, root = fsspec.core.url_to_fs(url)
                system.invalidate_cache()
        except ImportError as error:
            raise _no_driver(shown, error) from error
        return cls(system, root.rstrip("/"), shown)

    def read(self, name: str, most: int) -> bytes | None:
        """A small file, None where there is none. Raises NotStored, also for one of more than `most` bytes."""
        try:
            with _reaching(self.shown), self.system.open(self._of(name), "rb") as file:
                data: bytes = file.read(most + 1)
        except FileNotFoundError:
            return None
        if len(data) > most:
            raise NotStored(f"{self.shown}/{name} is too large to be one of a run.", "Nothing of it is used.")
        return data

    def blocks(self, name: str) -> Iterator[bytes]:
        """What lies there. Raises NotStored, FileNotFoundError."""
        with _reaching(self.shown), self.system.open(self._of(name), "rb") as file:
            while block := file.read(BLOCK):
                yield block

    def digest(self, name: str, size: int | None, tick: Tick) -> str:
        """sha256 of a file; empty where there is none, or not one of this size. Raises NotStored."""
        found, done = hashlib.sha256(), 0
        try:
            with _reaching(self.shown):
                there = int(self.system.info(self._of(name)).get("size") or 0)
            if size is not None and there != size:
                return ""
            for block in self.blocks(name):
                found.update(block)
                done += len(block)
                tick(f"checking {name}", done, there)
        except FileNotFoundError:
            return ""
        return found.hexdigest()

    def write(self, name: str, blocks: Iterator[bytes], size: int, tick: Tick) -> None:
        """A file that may be seen before it is whole. Raises NotStored."""
        done = 0
        with _reaching(self.shown):
            self.system.makedirs(self._of(name).rpartition("/")[0], exist_ok=True)
            file = self.system.open(self._of(name), "wb")
        try:
            for block in blocks:
                with _reaching(self.shown):
                    file.write(block)
                done += len(block)
                tick(f"sending {name}", done, size)
        finally:
            with _reaching(self.shown):
                file.close()

    def replace(self, name: str, data: bytes) -> None:
        """A small file, whole or not at all. Raises NotStored."""
        with _reaching(self.shown):
            self.system.makedirs(self.root, exist_ok=True)
            self.system.pipe_file(f"{self._of(name)}.part", data)
            self.system.mv(f"{self._of(name)}.part", self._of(name))

    def _of(self, name: str) -> str:
        return f"{self.root}/{name}"


@contextmanager
def _reaching(shown: str) -> Iterator[None]:
    """A driver's error as NotStored; what is not there, a missing driver and bugs are as they are."""
    try:
        yield
    except (FileNotFoundError, ImportError):
        raise
    except (OSError, ValueError, NotImplementedError) as error:
        raise _failed(shown, error) from error
    except Exception as error:
        # Drivers let through what the libraries below them raise, such as botocore's error for a missing key.
        if type(error).__module__ == "builtins" or isinstance(error, UserError):
            raise
        raise _failed(shown, error) from error


def _failed(shown: str, error: Exception) -> NotStored:
    why = " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
    hint = "Check the address, and the key that its driver reads; then give the command again, which goes on."
    return NotStored(f"{shown} cannot be used: {why}.", hint)


def _no_driver(shown: str, error: ImportError) -> ModelMissing:
    """fsspec says which package is missing; mostly it is the one that the driver is a part of."""
    from fsspec.registry import known_implementations  # type: ignore[import-untyped]

    protocol = shown.partition("://")[0]
    package = str(known_implementations.get(protocol, {}).get("class", "")).partition(".")[0]
    hint = f"pip install {package}" if package not in ("fsspec", "") else "Install the package that is named here."
    return ModelMissing(f"{protocol}:// needs a package that is not installed: {error}.", hint)
