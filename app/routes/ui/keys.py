"""/ui/keys"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from apiflask import APIBlueprint
from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from app import audit, caller
from app.errors import InvalidParameters, KeyNotFound, RoleMissing
from app.payloads.api_keys import MOST_GRACE, KeyParameters
from app.payloads.parameters import check
from app.services import services
from app.settings import ROLES
from app.store.api_keys import ApiKey

blueprint = APIBlueprint("ui_keys", __name__, enable_openapi=False)

#: Fields of the form that are whole numbers.
_NUMBERS = ("days", "requests_per_minute", "rows_per_day")


@blueprint.get("/ui/keys")
def page() -> str:
    """List the keys, and ask what a new one may do."""
    return _page()


@blueprint.post("/ui/keys")
def make() -> str | tuple[str, int]:
    """Make a key, and show its text, once."""
    sent = {name: text for name in KeyParameters.model_fields if (text := request.form.get(name, "").strip())}
    values: dict[str, Any] = {**sent, **{name: _number(sent[name]) for name in _NUMBERS if name in sent}}
    try:
        key, text = services().keyring.stored.make(caller.current(), **check(KeyParameters, values).model_dump())
    except (InvalidParameters, RoleMissing) as error:
        return _page(sent=sent, problem=error), error.status
    audit.about(key.key_id)
    return _page(made=key, text=text)


@blueprint.post("/ui/keys/<key_id>/rotate")
def rotate(key_id: str) -> str:
    """Replace the text of a key, and show the new one, once."""
    held = services().keyring
    grace = MOST_GRACE if request.form.get("grace") else 0
    key, text = held.stored.rotate(caller.current(), key_id, grace)
    held.forget(key_id)
    return _page(made=key, text=text)


@blueprint.post("/ui/keys/<key_id>/revoke")
def revoke(key_id: str) -> Redirect:
    """End a key; one that is gone already is gone."""
    held = services().keyring
    with suppress(KeyNotFound):
        held.stored.revoke(caller.current(), key_id)
    held.forget(key_id)
    return redirect(url_for("ui_keys.page"), 303)


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 15 else text


def _page(made: ApiKey | None = None, text: str = "", sent: dict[str, str] | None = None, problem: Any = None) -> str:
    keys = services().keyring.stored.seen_by(caller.current())
    return render_template(
        "ui/keys.html",
        keys=keys,
        roles=ROLES,
        own=caller.current(),
        made=made,
        text=text,
        sent=sent or {},
        problem=problem,
    )
