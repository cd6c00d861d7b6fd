"""How gunicorn serves the app, here and on a platform: `gunicorn "app:create_app()"`."""

import gc
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from app import drain
from app.settings import Settings, SettingsError
from app.store.policy import require_kept
from app.telemetry import logs
from app.telemetry.traces import TRACES

_settings = Settings.from_environment()
logs.start(_settings.log_level)

bind = _settings.address
workers = _settings.web_concurrency
worker_class = "app.web.Worker"
threads = _settings.web_threads
# The app is made once, before the fork: a wrong setting ends the service at once. It connects to nothing by then.
preload_app = True
# Only for the loop of a worker: requests have threads of their own, and a training may be waited for.
timeout = 60
graceful_timeout = 30
keepalive = 75
limit_request_fields = 64
control_socket_disable = True
accesslog = None
# Its logger has our handler already.
errorlog = None
loglevel = _settings.log_level.lower()

# The web processes add up their numbers through this folder.
_metrics = _settings.prometheus_multiproc_dir or Path(tempfile.mkdtemp(prefix="automl-metrics-"))
raw_env = [f"PROMETHEUS_MULTIPROC_DIR={_metrics}"]


def on_starting(server: Any) -> None:
    """Forget what web processes held that were killed together with their arbiter; what they counted stays.

    And refuse a Redis that would lose models.
    """
    for held in _metrics.glob("gauge_live*.db"):
        held.unlink()
    if _settings.redis_url is not None:
        try:
            require_kept(_settings.redis_url)
        except SettingsError as error:
            sys.stderr.write(f"{error}\n")
            raise SystemExit(2) from None


def when_ready(server: Any) -> None:
    """At SIGTERM, tell routers first."""
    drain.at_sigterm(server, _settings.drain_seconds)


def pre_fork(server: Any, worker: Any) -> None:
    """Keep what was loaded before the fork out of collections of garbage, which would write to it and so copy it."""
    gc.freeze()


def worker_exit(server: Any, worker: Any) -> None:
    """End a web process at once when its requests are answered: taking the engines apart would take seconds more."""
    if worker.booted:
        TRACES.flush()
        # What has been gathered is written.
        logging.shutdown()
        os._exit(0)


def child_exit(server: Any, worker: Any) -> None:
    """Leave a web process that has ended out of what is told of the living."""
    # Its library looks for the folder when it is imported: by now it is set.
    from app.telemetry import metrics

    metrics.ended(_metrics, worker.pid)


def on_exit(server: Any) -> None:
    """Remove the folder that was made here."""
    if _settings.prometheus_multiproc_dir is None:
        shutil.rmtree(_metrics, ignore_errors=True)
