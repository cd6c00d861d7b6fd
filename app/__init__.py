"""AutoML as a service, with explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiflask import APIFlask

    from app.settings import Settings

__version__ = "0.1.0"


def create_app(settings: Settings | None = None) -> APIFlask:
    """Make the web application. No engine is imported, and Redis is not asked, before the first request."""
    from apiflask import APIFlask

    from app import auth, bodies, problems, routes, watch
    from app.readiness import Readiness
    from app.services import Services
    from app.settings import Settings
    from app.shortcut import Shortcut

    settings = settings or Settings.from_environment()
    app = APIFlask(__name__, title="AutoML service", version=__version__, docs_path=None, json_errors=False)
    services = app.extensions["automl"] = Services.from_settings(settings)
    app.extensions["automl-readiness"] = Readiness(services)
    problems.register(app)
    bodies.register(app, settings)
    auth.register(app, settings)
    routes.register(app, settings)
    # Around Flask and not in it, as its documentation has it: what is nearer to the caller comes last.
    app.wsgi_app = Shortcut(app.wsgi_app, services)  # type: ignore[method-assign]
    watch.register(app, settings)
    return app
