"""What tests of attacks take of those of the routes: a training to be spoilt, models in the store, a refusal."""

from __future__ import annotations

from tests.routes.conftest import fitted, kept, refused, series_training, served, training

__all__ = ["fitted", "kept", "refused", "series_training", "served", "training"]
