"""What browsers are told of the web pages, and what a change by one has to bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from app.auth import is_page
from app.pages import session

if TYPE_CHECKING:
    from apiflask import APIFlask
    from flask import Response

#: What a page may load and run: what this service serves, and no script that stands in the page itself. plotly writes
#: styles of its own.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

#: Controls that a form of a page may have: some for each column of a row.
_CONTROLS = 2_000

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def register(app: APIFlask) -> None:
    """Check every change by a page, and tell browsers what a page may do."""

    @app.before_request
    def check() -> None:
        if not is_page(request.blueprint) or request.method != "POST":
            return
        request.max_form_parts = _CONTROLS
        # A browser does not send a header of another site's choice, as it does a cookie.
        if "Authorization" not in request.headers:
            session.check_token()

    @app.after_request
    def protect(response: Response) -> Response:
        if is_page(request.blueprint) or request.path.startswith("/ui/"):
            response.headers.update(_HEADERS)
        elif request.endpoint == "docs.page":
            response.headers["Content-Security-Policy"] = POLICY
        return response
