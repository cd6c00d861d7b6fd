"""Who looks at the pages: a key that was typed in once and is kept, as its hash, in a signed cookie."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from flask import current_app, g, request, session
from itsdangerous import BadSignature, Signer
from markupsafe import Markup

from app import access, auth, caller
from app.errors import KeyMissing, RoleMissing, StoreUnavailable, TokenMissing
from app.services import services
from app.settings import ROLES
from app.store.secret import signing_secret

if TYPE_CHECKING:
    from flask import Flask, Response

    from app.settings import Settings

#: Characters of a token that its cookie is named by.
_NAMED = 8

#: Days after which a key has to be typed in again.
_DAYS = 14


def register(app: Flask, settings: Settings) -> None:
    """Sign cookies with a key of their own, made of the signing secret, and tell templates who looks."""
    name, app.secret_key = (
        hmac.new(signing_secret(settings).encode(), purpose, hashlib.sha256).digest()
        for purpose in (b"name of the cookie of the web pages", b"cookies of the web pages")
    )
    app.config.update(
        # Cookies are of a host, whatever the port: each service there has a name of its own. Beyond loopback one by
        # which browsers know that no other host, as a neighbour in the domain, has set it.
        SESSION_COOKIE_NAME=f"{'' if settings.on_loopback else '__Host-'}automl_{name.hex()[:8]}",
        # An answer that was still on its way when somebody signed out would sign in again.
        SESSION_REFRESH_EACH_REQUEST=False,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # Beyond loopback a key travels, so that there has to be TLS before it.
        SESSION_COOKIE_SECURE=not settings.on_loopback,
        PERMANENT_SESSION_LIFETIME=_DAYS * 24 * 3600,
    )

    app.jinja_env.globals.update({"may": may, "token": token, "csrf": _field})
    app.after_request(_keep)

    @app.context_processor
    def known() -> dict[str, Any]:
        return {"role": role(), "keys_needed": bool(settings.api_keys), "oidc": settings.oidc_issuer is not None}


def enter(key: str) -> None:
    """Remember a key.

    Raises
    ------
    KeyMissing
        It is not one of this service's.
    """
    shown = auth.reference(key.strip())
    known = services().keyring.find(shown)
    if known is None:
        services().limits.failed(request.remote_addr or "")
        raise KeyMissing("This service does not know that key. Look for a space or a missing character.")
    begin()
    session.permanent = True
    session["key"] = shown
    caller.enter(known.caller)


def begin() -> None:
    """Begin a session anew: what was signed for someone else before does not go on."""
    session.clear()
    session["token"] = _random()


def leave() -> None:
    """Forget the key."""
    with suppress(StoreUnavailable):
        if (known := auth.shown(services().keyring, None, session)) is not None:
            caller.enter(known.caller)
    session.clear()


def role() -> str | None:
    """Return the role of whoever looks; None for a stranger where keys are needed."""
    if (mine := caller.current().role) or request.endpoint not in access.OPEN:
        return mine or None
    # Pages that anyone may see do not ask for a key, nor tell whether one of a header is known.
    with suppress(StoreUnavailable):
        key = auth.shown(services().keyring, None, session)
        return None if key is None else key.role
    return None


def may(endpoint: str) -> bool:
    """Tell whether whoever looks has the role that an endpoint needs."""
    mine = role()
    return mine is not None and ROLES.index(mine) >= ROLES.index(access.NEEDED.get(endpoint, ROLES[-1]))


def require(endpoint: str) -> None:
    """Refuse whoever has not the role that an endpoint needs.

    Raises
    ------
    RoleMissing
    """
    if not may(endpoint):
        raise RoleMissing(f"This needs a key with the role {access.NEEDED[endpoint]}; yours has the role {role()}.")


def token() -> str:
    """Return what a page of this browser sends along with a change: another site's page does not know it.

    Whoever has signed in has one with the key, in the session's cookie. A browser that nobody has signed in with may
    open several pages at once before it has any cookie. Each of these would get a token of its own, and with one cookie
    for all the last would undo the others: so each token has a cookie of its own, and any of them is good. It is signed
    as a session is, so that no other service of this host makes one up; scripts cannot read it, and other sites' pages
    do not send it.
    """
    if "token" in session:
        return str(session["token"])
    if not (known := _cookies()):
        g.csrf_token = g.get("csrf_token") or _random()
    return known[0] if known else str(g.csrf_token)


def _random() -> str:
    return secrets.token_urlsafe(16)


def _signer() -> Signer:
    assert current_app.secret_key is not None
    return Signer(current_app.secret_key, b"token of a page", key_derivation="hmac", digest_method=hashlib.sha256)


def _prefix() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}_"


def _cookies() -> list[str]:
    """Return the tokens that a browser has cookies for."""
    found = []
    for name, value in request.cookies.items():
        if name.startswith(_prefix()):
            with suppress(BadSignature):
                found.append(_signer().unsign(value).decode())
    return found


def _keep(response: Response) -> Response:
    """Send the cookie of a token that a page was given."""
    if (made := g.pop("csrf_token", None)) is not None:
        response.set_cookie(
            _prefix() + made[:_NAMED],
            _signer().sign(made).decode(),
            httponly=True,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
    return response


def _field() -> Markup:
    """Return the token as a field of a form."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(token())


def check_token() -> None:
    """Refuse a change that does not come from a page of this session.

    Raises
    ------
    TokenMissing
    """
    sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    # A token from before somebody signed in is not one of theirs.
    known = [str(session["token"])] if "token" in session else _cookies()
    if not any(hmac.compare_digest(sent.encode(), one.encode()) for one in known):
        raise TokenMissing("This page is too old, or cookies are off. Load it again, and then repeat what you did.")
