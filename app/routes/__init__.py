"""One module a URL, named as the URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiflask import APIFlask

    from app.settings import Settings


def register(app: APIFlask, settings: Settings) -> None:
    """Add every route and the web pages, and complete the OpenAPI document with what decorators cannot say."""
    from app.routes import (
        audit,
        batch_predictions,
        docs,
        explain,
        health,
        invocations,
        jobs,
        keys,
        metrics,
        models,
        profile,
        serve_prediction,
        train_pipeline,
        ui,
        v1,
        v2,
    )

    app.url_map.converters["before_verb"] = v1.BeforeVerb
    serving = (serve_prediction, batch_predictions, explain, v2, v1, invocations)
    for module in (train_pipeline, profile, jobs, *serving, models, keys, audit, health, metrics, docs):
        app.register_blueprint(module.blueprint)
    ui.register(app, settings)
    docs.document(app, settings)
