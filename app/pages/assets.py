"""Addresses of what pages load, with a part that changes with the content, so that browsers may keep it for good."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import request, url_for

if TYPE_CHECKING:
    from flask import Flask, Response

_FOLDER = Path(__file__).parents[1] / "static"

#: Seconds in a year, which is for good.
_KEPT = 365 * 24 * 3600


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """Return the address of a file of `app/static`."""
    return url_for("static", filename=name, v=_digest(name))


def register(app: Flask) -> None:
    """Let templates name assets, and browsers keep them."""
    app.jinja_env.globals["asset"] = asset

    @app.after_request
    def keep(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code == 200:
            response.headers["X-Content-Type-Options"] = "nosniff"
            if request.args.get("v"):
                response.headers["Cache-Control"] = f"public, max-age={_KEPT}, immutable"
        return response
