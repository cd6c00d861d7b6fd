"""The Redis that a command works on: the one of the settings, or that of a data folder, whether it runs or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import redis

from app.settings import Settings
from app.store.connection import connect
from app.store.embedded import EmbeddedRedis
from app.store.secret import signing_secret


@contextmanager
def redis_of(settings: Settings) -> Iterator[tuple[redis.Redis, str]]:
    """Yield a client and the signing secret; the embedded server is started when no service runs on its folder.

    Raises
    ------
    SettingsError, EmbeddedError
    """
    secret = signing_secret(settings)
    if settings.redis_url is not None:
        with closing(connect(settings.redis_url, patient=True)) as client:
            yield client, secret
        return
    embedded = EmbeddedRedis(settings.data_dir)
    with closing(connect(embedded.url, patient=True)) as client:
        if _answers(client):
            yield client, secret
            return
        embedded.start()
        try:
            yield client, secret
        finally:
            embedded.stop()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError as error:
        # What refuses is there.
        return isinstance(error, redis.ResponseError)
