"""/ui/sign-in"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from apiflask import APIBlueprint
from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from app.errors import Busy, KeyMissing
from app.pages import oidc, session
from app.services import services

blueprint = APIBlueprint("ui_sign_in", __name__, enable_openapi=False)


@blueprint.get("/ui/sign-in")
def page() -> str:
    """Ask for a key."""
    return render_template("ui/sign_in.html", next=_back(request.args.get("next")), problem=None)


@blueprint.post("/ui/sign-in")
def enter() -> Redirect | tuple[str, int]:
    """Remember a key, and go back to the page that asked for one."""
    back = _back(request.form.get("next"))
    try:
        session.enter(request.form.get("key", ""))
    except KeyMissing as error:
        return render_template("ui/sign_in.html", next=back, problem=error.detail), error.status
    return redirect(back, 303, Response)


@blueprint.get("/ui/sign-in/oidc")
def leave_for_issuer() -> Redirect:
    """Send a person to whoever knows them."""
    with _waiting():
        return oidc.leave_for_issuer(_back(request.args.get("next")))


@blueprint.get("/ui/sign-in/oidc/back")
def return_from_issuer() -> Redirect:
    """Sign in who comes back, and go to the page that asked for it."""
    with _waiting():
        return redirect(_back(oidc.enter()), 303, Response)


@blueprint.post("/ui/sign-out")
def leave() -> Redirect:
    """Forget the key."""
    session.leave()
    return redirect(url_for("ui_sign_in.page"), 303, Response)


@contextmanager
def _waiting() -> Iterator[None]:
    """Wait for an issuer in one of the threads that may wait, as anybody may ask for that."""
    with services().place() as free:
        if not free:
            raise Busy("Too many people wait for the issuer, or for trainings. Try again.")
        yield


def _back(path: str | None) -> str:
    """Return a path of this service, whatever was sent."""
    there = path or "/"
    # Browsers take a backslash for a slash, and two at the beginning for another host.
    own = there.startswith("/") and not there.replace("\\", "/").startswith("//") and there.isprintable()
    return there if own else "/"
