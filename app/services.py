"""What a web process holds: the settings, the store, the queue, and the loaded pipelines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self, cast

from flask import current_app

from app import caller
from app.drain import Drain
from app.jobs.queue import JobQueue
from app.jobs.records import JobRecords
from app.pipelines.cache import PipelineCache
from app.settings import Settings, SettingsError
from app.store.connection import connect
from app.store.publications import Publications
from app.store.redis import ModelStore
from app.store.secret import signing_secret


@dataclass(frozen=True)
class Services:
    """One a process, made before it forks: nothing in it connects or loads until asked."""

    settings: Settings
    stores: ModelStore
    queues: JobQueue
    pipelines: PipelineCache
    places: threading.BoundedSemaphore
    drain: Drain

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Make the services.

        Raises
        ------
        SettingsError
            There is no Redis to talk to.
        """
        if settings.redis_url is None:
            raise SettingsError("REDIS_URL: missing; `python -m app` starts a Redis of its own")
        client, secret = connect(settings.redis_url), signing_secret(settings)
        store = ModelStore(client, secret)
        records, publications = JobRecords(client, secret, settings.job_days), Publications(client, secret)
        uploads = connect(settings.redis_url, patient=True)
        queue = JobQueue(client, records, store, publications, settings, uploads)
        cache = PipelineCache(settings.model_cache_mb * 2**20, settings.stale_seconds)
        # Half of the threads may wait for trainings; the others stay free for predictions.
        places = threading.BoundedSemaphore(settings.web_threads // 2)
        return cls(settings, store, queue, cache, places, Drain())

    @property
    def store(self) -> ModelStore:
        """The models of the namespace of whoever asks."""
        return self.stores.of(caller.current().namespace)

    @property
    def queue(self) -> JobQueue:
        """The jobs of the namespace of whoever asks."""
        return self.queues.of(caller.current().namespace)

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Take a place among the threads that may wait; False when all are taken."""
        taken = self.places.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                self.places.release()


def services() -> Services:
    """Return the services of the app that handles this request."""
    return cast(Services, current_app.extensions["automl"])
