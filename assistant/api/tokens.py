"""Who may use a route: the scope of a path, and the scopes of a token."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from assistant.api.options import Options, Scope

PUBLIC = ("/healthz", "/readyz")
_CHAT = ("/api/search", "/api/feedback")
_CHAT_UNDER = ("/v1/", "/api/sources/", "/api/feedback/")


def scope_of(path: str) -> Scope:
    """Who a path is for, whether or not there is such a route: what is not named here is for `admin`."""
    if path in PUBLIC:
        return "public"
    return "chat" if path in _CHAT or path.startswith(_CHAT_UNDER) else "admin"


def bearer(headers: Sequence[bytes]) -> str:
    """The token in the values of `Authorization`; empty unless there is exactly one, and it is a bearer's."""
    if len(headers) != 1:
        return ""
    kind, _, token = headers[0].decode("latin-1").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def scopes(token: str, options: Options) -> frozenset[Scope]:
    """What a token admits to. The time it takes does not depend on how much of the token is right, nor on which."""
    admin, chat = same(token, options.token), same(token, options.chat_token)
    if admin:
        return frozenset({"public", "chat", "admin"})
    return frozenset({"public", "chat"}) if chat else frozenset({"public"})


def same(given: str, right: str) -> bool:
    """Whether a token is the right one, compared in constant time; nothing is the same as an empty one."""
    # Of digests, because compare_digest tells the lengths of what it is given.
    digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (given, right)]
    return hmac.compare_digest(*digests) and bool(right)
