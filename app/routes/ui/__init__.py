"""The web pages: one module a URL below /ui, named as the URL, and the start page at /."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiflask import APIFlask

    from app.settings import Settings


def register(app: APIFlask, settings: Settings) -> None:
    """Add the pages."""
    from app.pages import assets, following, oidc, protection, session, words
    from app.routes.ui import explain, jobs, keys, models, predict, sign_in, start, train, what_if

    session.register(app, settings)
    oidc.register(app, settings)
    words.register(app)
    app.jinja_env.filters["stage"] = following.stage
    assets.register(app)
    for module in (start, train, jobs, models, predict, explain, what_if, sign_in, keys):
        app.register_blueprint(module.blueprint)
    protection.register(app)
