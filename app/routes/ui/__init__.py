"""The web pages: one module a URL below /ui, named as the URL, and the start page at /."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiflask import APIFlask
    from flask import Response

    from app.settings import Settings

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


def register(app: APIFlask, settings: Settings) -> None:
    """Add the pages."""
    from flask import request

    from app.auth import is_page
    from app.pages import assets, following, session, words
    from app.routes.ui import explain, jobs, models, predict, sign_in, start, train, what_if

    session.register(app, settings)
    words.register(app)
    app.jinja_env.filters["stage"] = following.stage
    assets.register(app)
    for module in (start, train, jobs, models, predict, explain, what_if, sign_in):
        app.register_blueprint(module.blueprint)

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
