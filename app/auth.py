"""API keys and roles. Denies by default: every route but health needs a role, known or not.

`python -m app.auth ROLE [NAMESPACE]` prints a new key, once, and the entry for `API_KEYS` that stands for it.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app import caller
from app.caller import Caller
from app.errors import KeyMissing, OriginRefused, RoleMissing, Unreadable
from app.settings import ROLES, Settings

if TYPE_CHECKING:
    from apiflask import APIFlask
    from flask import Request

#: Methods that change nothing.
_SAFE = {"GET", "HEAD", "OPTIONS"}

#: Names of this machine to itself.
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}

#: Digits of the hash of a key that name it.
_KEY_ID = 12

#: Endpoints that answer anyone: platforms probe them without a key, and a person has to see where to type one in.
OPEN = {
    "health.live", "health.ready", "v2.live", "v2.ready", "invocations.ping",
    "ui_sign_in.page", "ui_sign_in.enter", "ui_sign_in.leave", "static",
}  # fmt: skip

#: The role each endpoint needs. One that is missing here needs `admin`.
NEEDED = {
    "docs.page": "read",
    "metrics.show": "read",
    "openapi.spec": "read",
    "models.index": "read",
    "models.show": "read",
    "models.versions": "read",
    "models.version": "read",
    "models.report": "read",
    "models.code": "read",
    "models.network": "predict",
    "models.artifact": "admin",
    "models.paths": "predict",
    "models.explainers": "read",
    "models.explanations": "predict",
    "models.rows": "predict",
    "jobs.index": "read",
    "jobs.show": "read",
    "jobs.events": "read",
    "jobs.history": "read",
    "jobs.parameters": "read",
    "serve_prediction.predict": "predict",
    "explain.explain": "predict",
    "v2.server": "read",
    "v2.model": "read",
    "v2.model_ready": "read",
    "v2.infer": "predict",
    "v2.explain": "predict",
    "v1.index": "read",
    "v1.model": "read",
    "v1.predict": "predict",
    "v1.explain": "predict",
    "invocations.predict": "predict",
    "invocations.version": "read",
    "batch_predictions.predict": "predict",
    "jobs.result": "predict",
    # The view asks for the role of whoever may start such a job.
    "jobs.cancel": "predict",
    "train_pipeline.train": "train",
    "profile.show": "train",
    "models.promote": "admin",
    "models.delete": "admin",
    "models.delete_version": "admin",
    # The pages: each as the route that does the same.
    "ui_start.page": "read",
    "ui_start.jobs": "read",
    "ui_start.example": "train",
    "ui_train.page": "train",
    "ui_train.look": "train",
    "ui_train.text": "train",
    "ui_train.start": "train",
    "ui_jobs.page": "read",
    "ui_jobs.live": "read",
    "ui_jobs.cancel": "predict",
    "ui_models.page": "read",
    "ui_models.follow": "predict",
    "ui_models.promote": "admin",
    "ui_models.delete": "admin",
    "ui_models.delete_version": "admin",
    "ui_predict.page": "predict",
    "ui_predict.result": "predict",
    "ui_predict.table": "predict",
    "ui_predict.rows": "predict",
    "ui_predict.row": "predict",
    "ui_explain.page": "predict",
    "ui_explain.methods": "predict",
    "ui_explain.settings": "predict",
    "ui_explain.result": "predict",
    "ui_what_if.page": "predict",
    "ui_what_if.rows": "predict",
    "ui_what_if.difference": "predict",
    "ui_what_if.found": "predict",
    "ui_what_if.curve": "predict",
    "ui_what_if.compared": "predict",
}


def digest(key: str) -> str:
    """Return the SHA-256 under which a key is kept. Keys are 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


def given(header: str | None, signed_in: str | None = None) -> str:
    """Return the hash of the key that came with a request, of a header before that of a cookie; empty without one."""
    if header is None:
        return signed_in or ""
    scheme, _, key = header.partition(" ")
    return digest(key.strip()) if scheme.lower() == "bearer" else ""


def known(settings: Settings, key_hash: str) -> Caller:
    """Return who has a key, and the stranger where it is none of this service's."""
    if not settings.api_keys:
        return caller.LOCAL
    # The look-up is by hash, so its time tells nothing about the key.
    if (entry := settings.api_keys.get(key_hash)) is None:
        return caller.STRANGER
    role, _, namespace = entry.partition(":")
    return Caller(key_hash[:_KEY_ID], role, namespace or caller.DEFAULT)


def authorise(settings: Settings, endpoint: str | None, header: str | None, signed_in: str | None = None) -> None:
    """Let the request pass or raise, and say who asks to all that is done for it.

    Parameters
    ----------
    endpoint
        Flask's name of the matched route; None when none matched.
    header
        The `Authorization` header.
    signed_in
        Hash of the key that was typed into the sign-in page, of a request that has no header.

    Raises
    ------
    KeyMissing
        No key where one is needed, or one that is not known.
    RoleMissing
        A known key whose role is too low.
    """
    who = known(settings, given(header, signed_in))
    caller.enter(who)
    if not settings.api_keys or endpoint in OPEN:
        return
    if who is caller.STRANGER:
        raise KeyMissing("Send a key that this service knows as: Authorization: Bearer KEY")
    needed = NEEDED.get(endpoint or "", "read" if endpoint is None else "admin")
    if ROLES.index(who.role) < ROLES.index(needed):
        raise RoleMissing(f"This needs a key with the role {needed}; yours has the role {who.role}.")


def register(app: APIFlask, settings: Settings) -> None:
    """Check every request before its view runs."""
    from flask import request, session

    @app.before_request
    def check() -> None:
        check_host(settings, request.host)
        _check_origin(request)
        header = request.headers.get("Authorization")
        # A browser sends its cookie whoever asks: changes by cookie are the pages' own, which have a token too.
        by_cookie = header is None and (
            request.method in _SAFE or is_page(request.blueprint) or request.endpoint is None
        )
        signed_in = session.get("key") if settings.api_keys and by_cookie else None
        authorise(settings, request.endpoint, header, signed_in)


def is_page(blueprint: str | None) -> bool:
    """Tell whether a blueprint is of the web pages."""
    return (blueprint or "").startswith("ui_")


def check_host(settings: Settings, host: str) -> None:
    """Refuse, on loopback, a Host that is not this machine's: a name that another's DNS points here is its own page's.

    Raises
    ------
    Unreadable
    """
    if settings.on_loopback and not _names_this_machine(host, settings.host):
        raise Unreadable("The Host header does not name this service.")


@lru_cache(maxsize=64)
def _names_this_machine(host: str, own: str) -> bool:
    # Werkzeug's own TRUSTED_HOSTS cannot hold an IPv6 address.
    with suppress(ValueError):
        return urlsplit(f"//{host}").hostname in {*_LOOPBACK, own}
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
    """Make a key for the role, and the namespace, named on the command line."""
    role, *namespace = sys.argv[1:] or [""]
    if role not in ROLES or len(namespace) > 1 or not all(map(caller.NAMESPACE.fullmatch, namespace)):
        sys.stderr.write(f"usage: python -m app.auth {{{'|'.join(ROLES)}}} [NAMESPACE]\n")
        return 2
    key = secrets.token_urlsafe(32)
    sys.stdout.write(f"key, shown once:    {key}\nentry for API_KEYS: {':'.join([role, digest(key), *namespace])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
