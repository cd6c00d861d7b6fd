"""One module a URL, named as the URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiflask import APIFlask


def register(app: APIFlask) -> None:
    """Add every route, and complete the OpenAPI document with what decorators cannot say."""
    from app.routes import (
        batch_predictions,
        docs,
        explain,
        health,
        invocations,
        jobs,
        metrics,
        models,
        serve_prediction,
        train_pipeline,
        v1,
        v2,
    )

    serving = (serve_prediction, batch_predictions, explain, v2, v1, invocations)
    for module in (train_pipeline, jobs, *serving, models, health, metrics, docs):
        app.register_blueprint(module.blueprint)
    docs.document(app)
