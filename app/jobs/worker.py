"""`python -m app.jobs.worker`: runs one job at a time, as long as there is a Redis, and waits where there is none."""

from __future__ import annotations

import gc
import logging
import signal
import sys
from importlib import import_module
from types import FrameType

from rq.serializers import JSONSerializer

from app import exposure
from app.jobs.confinement import adopt_orphans
from app.jobs.patience import wait_for_redis
from app.jobs.records import JobRecords
from app.jobs.rq_queue import TrainingQueue
from app.jobs.training_worker import INTERVAL, TIDY, TrainingWorker
from app.settings import Settings, SettingsError
from app.store.connection import connect
from app.store.policy import require_kept
from app.store.publications import Publications
from app.store.secret import signing_secret
from app.telemetry import logs
from app.telemetry.traces import TRACES

# By its own name, also where this is the program.
logger = logging.getLogger("app.jobs.worker")

#: Imported before the first fork.
_ENGINES = ("pandas", "pyarrow", "sklearn.ensemble", "skops.io", "lightgbm", "xgboost", "tsfresh", "tpot")

#: The signals by which it is asked to end.
_ENDS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Work until SIGTERM."""
    exposure.forbid_dumps()
    try:
        settings = Settings.from_environment()
        logs.start(settings.log_level)
        TRACES.start(settings, "automl-worker", flushed=True)
        if settings.redis_url is None:
            raise SettingsError("REDIS_URL: a worker needs the Redis of its web process")
        secret = signing_secret(settings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name in _ENGINES:
        try:
            import_module(name)
        except ImportError:
            logger.warning("%s is not installed here; trainings that need it will say so", name)
    # What is frozen is not looked at by the collector of a forked process, which would copy the pages of all of it.
    gc.collect()
    gc.freeze()
    adopt_orphans()
    try:
        while not _work(settings, secret):
            pass
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        # Python takes handlers away on its way out: one more signal would end it with another status.
        for number in _ENDS:
            signal.signal(number, signal.SIG_IGN)
    return 0


def _work(settings: Settings, secret: str) -> bool:
    """Work as long as there is a Redis, and tell whether this was to be the end."""
    assert settings.redis_url is not None
    for number in _ENDS:
        signal.signal(number, _leave)
    client, watching = connect(settings.redis_url, patient=True), connect(settings.redis_url)
    wait_for_redis(watching)
    require_kept(settings.redis_url)
    worker = TrainingWorker(
        queues=[TrainingQueue.of(client)],
        connection=client,
        serializer=JSONSerializer,
        worker_ttl=30,
        job_monitoring_interval=INTERVAL,
        maintenance_interval=TIDY,
        watching=watching,
        records=JobRecords(watching, secret, settings.job_days),
        publications=Publications(watching, secret),
        settings=settings,
    )
    worker.work(logging_level="WARNING")
    return worker.shutting_down


def _leave(number: int, frame: FrameType | None) -> None:
    """At a signal while nothing runs, and while there is no Redis to tell."""
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
