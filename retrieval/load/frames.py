"""Messages over a pipe: four bytes of length, then JSON. Never pickle: the other end may have been taken over.

00 00 00 0f {"kind":"done"}
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">I")


class BadFrame(Exception):
    """The stream ended inside a frame, or what came is no message."""


class FrameTooLarge(BadFrame):
    """The frame announces more bytes than the reader accepts."""


def encode(message: dict[str, Any]) -> bytes:
    """The bytes of one frame; surrogates pass because file names may hold undecodable bytes."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return _LENGTH.pack(len(body)) + body


def read(stream: BinaryIO, most: int) -> dict[str, Any] | None:
    """The next message, or None at the end of the stream."""
    head = stream.read(_LENGTH.size)
    if not head:
        return None
    body = stream.read(_size(head, most))
    try:
        message = json.loads(body.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise BadFrame("a frame that is not JSON") from error
    if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
        raise BadFrame("a frame that is no message")
    return message


def _size(head: bytes, most: int) -> int:
    if len(head) < _LENGTH.size:
        raise BadFrame("the stream ended inside a frame")
    size = int(_LENGTH.unpack(head)[0])
    if size > most:
        raise FrameTooLarge(f"a frame of {size} bytes")
    return size
