"""API keys and roles. Denies by default: every route but health needs a role, known or not.

`python -m app.auth` makes keys: see `app/key_command.py`.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app import access, caller, exposure, probes
from app.errors import KeyMissing, OriginRefused, RoleMissing, Unreadable
from app.settings import ROLES, Settings

if TYPE_CHECKING:
    from apiflask import APIFlask
    from flask import Request

    from app.keyring import Keyring
    from app.limits import Limits
    from app.store.api_keys import ApiKey

#: Methods that change nothing.
_SAFE = {"GET", "HEAD", "OPTIONS"}

#: Names of this machine to itself.
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}

#: Where in the WSGI environment what answers without Flask says that it has checked, and by which error it refused.
CHECKED = "automl.checked"

#: A key that was made by command or API: its id, and its secret part.
_MADE = re.compile(r"aml_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


def digest(key: str) -> str:
    """Return the SHA-256 under which a key is kept. Keys are 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


def given(header: str | None, signed_in: str | None = None) -> str:
    """Return what tells the key that came with a request, of a header before that of a cookie; empty without one.

    It is the key's hash; before that of a key that was made by command or API stands its id, and a dot.
    """
    if header is None:
        return signed_in or ""
    scheme, _, key = header.partition(" ")
    return reference(key.strip()) if scheme.lower() == "bearer" else ""


def shown(keyring: Keyring, header: str | None, session: Mapping[str, Any]) -> ApiKey | None:
    """Return the key of a header, before that of a session, or what stands for one there; None of a stranger."""
    if header is None and keyring.needed and (identity := keyring.of_identity(session.get("identity"))) is not None:
        return identity
    return keyring.find(given(header, session.get("key")))


def reference(key: str) -> str:
    """Return what tells a key without holding it."""
    made = _MADE.fullmatch(key)
    return f"{made[1]}.{digest(key)}" if made else digest(key)


def authorise(
    keyring: Keyring,
    limits: Limits,
    endpoint: str | None,
    header: str | None,
    address: str,
    session: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Let the request pass or raise, and say who asks to all that is done for it.

    Parameters
    ----------
    endpoint
        Flask's name of the matched route; None when none matched.
    header
        The `Authorization` header.
    address
        Where it comes from; so many wrong keys of one are not looked at.
    session
        What the cookie of the pages holds, of a request that may go by it.

    Raises
    ------
    KeyMissing
        No key where one is needed, or one that is not known.
    RoleMissing
        A known key whose role is too low.
    TooMany
        The key, or keys that are not known from this address, came too often.
    """
    if endpoint in access.OPEN:
        # Nothing is done for them, and they answer without Redis.
        caller.enter(caller.STRANGER if keyring.needed else caller.LOCAL)
        return
    key = shown(keyring, header, session)
    if key is None:
        if header is not None:
            limits.failed(address)
        raise KeyMissing("Send a key that this service knows as: Authorization: Bearer KEY")
    caller.enter(key.caller)
    limits.asked(key.key_id, key.requests_per_minute, key.rows_per_day)
    allow(endpoint)


def allow(endpoint: str | None) -> None:
    """Refuse whoever asks, unless the role reaches as far as an endpoint needs.

    Raises
    ------
    RoleMissing
    """
    needed = access.NEEDED.get(endpoint or "", "read" if endpoint is None else "admin")
    role = caller.current().role
    if ROLES.index(role) < ROLES.index(needed):
        raise RoleMissing(f"This needs a key with the role {needed}; yours has the role {role}.")


def register(app: APIFlask, settings: Settings, keyring: Keyring, limits: Limits) -> None:
    """Check every request before its view runs."""
    from flask import request, session

    @app.before_request
    def check() -> None:
        if CHECKED in request.environ:
            # Once is enough: it is counted.
            if (refused := request.environ[CHECKED]) is not None:
                raise refused
            return
        # Platforms ask by whatever name or address they know.
        if settings.on_loopback or request.endpoint not in probes.ENDPOINTS:
            check_host(settings, request.host)
        _check_origin(request)
        header = request.headers.get("Authorization")
        # A browser sends its cookie whoever asks: changes by cookie are the pages' own, which have a token too.
        by_cookie = header is None and (
            request.method in _SAFE or is_page(request.blueprint) or request.endpoint is None
        )
        kept = session if by_cookie and keyring.needed else {}
        authorise(keyring, limits, request.endpoint, header, request.remote_addr or "", kept)


def behind_proxies(app: APIFlask, settings: Settings) -> None:
    """Take the address and the scheme of a caller from the proxies in front, of which each has added its own."""
    if settings.trusted_proxies:
        from werkzeug.middleware.proxy_fix import ProxyFix

        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=0)  # type: ignore[method-assign]


def is_page(blueprint: str | None) -> bool:
    """Tell whether a blueprint is of the web pages."""
    return (blueprint or "").startswith("ui_")


def check_host(settings: Settings, host: str) -> None:
    """Refuse a Host that is not this service's: a name that another's DNS points here is its own page's.

    On loopback it is this machine's, beyond it one of `ALLOWED_HOSTS`, where those are set.

    Raises
    ------
    Unreadable
    """
    if not _is_own(host, settings.host, settings.allowed_hosts):
        raise Unreadable("The Host header does not name this service.")


@lru_cache(maxsize=64)
def _is_own(host: str, listening: str, allowed: tuple[str, ...]) -> bool:
    own = {*_LOOPBACK, listening} if exposure.is_loopback(listening) else {*allowed}
    if not own:
        return True
    # Werkzeug's own TRUSTED_HOSTS cannot hold an IPv6 address.
    with suppress(ValueError):
        return urlsplit(f"//{host}").hostname in own
    return False


def _check_origin(request: Request) -> None:
    """Refuse changes that a page of another origin asks for: browsers send its forms here without asking.

    Raises
    ------
    OriginRefused
    """
    if request.method in _SAFE:
        return
    own = {None, f"{request.scheme}://{request.host}"}
    site = request.headers.get("Sec-Fetch-Site")
    if site == "same-origin":
        # Behind a proxy that ends TLS the scheme that arrives here is not the page's; the browser knows both.
        own.add(f"https://{request.host}")
    if request.headers.get("Origin") not in own or site == "cross-site":
        raise OriginRefused("A page of another origin sent this. Use the service's own pages, or a program.")


def main() -> int:
    """Make, list, replace or revoke keys, as the words of the command line say."""
    from app.key_command import run

    exposure.forbid_dumps()
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
