"""How gunicorn serves the app, here and on a platform: `gunicorn "app:create_app()"`."""

import atexit
import gc
import logging
import os
import resource
import shutil
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from app import drain, exposure
from app.settings import Settings, SettingsError, in_memory
from app.store.policy import require_kept
from app.telemetry import logs
from app.telemetry.traces import TRACES

try:
    _settings = Settings.from_environment()
except SettingsError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(2)
exposure.forbid_dumps()
logs.start(_settings.log_level)

bind = _settings.address
workers = _settings.web_concurrency
worker_class = "app.web.Worker"
threads = _settings.web_threads
# The app is made once, before the fork: a wrong setting ends the service at once. It connects to nothing by then.
preload_app = True
# Only for the loop of a worker: requests have threads of their own, and a training may be waited for.
timeout = 60
# Connections of a process, each a descriptor, beside those of Redis, files and libraries.
worker_connections = max(threads + 1, min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 128))
worker_tmp_dir = in_memory()
graceful_timeout = 30
keepalive = 75
# Of a request's head, in bytes and numbers; `app/arriving.py` keeps no more than 64 KiB of it.
limit_request_line = 4094
limit_request_fields = 64
# Which headers of proxies count is told by TRUSTED_PROXIES, to the app.
forwarded_allow_ips = ""
limit_request_field_size = 8190
# In C; what either refuses is tested for both.
http_parser = "fast"
control_socket_disable = True
accesslog = None
# Its logger has our handler already.
errorlog = None
loglevel = _settings.log_level.lower()

# The web processes add up their numbers through this folder.
_metrics = _settings.prometheus_multiproc_dir or Path(tempfile.mkdtemp(prefix="automl-metrics-", dir=in_memory()))
raw_env = [f"PROMETHEUS_MULTIPROC_DIR={_metrics}"]
_own = os.getpid()


def _forget() -> None:
    """Remove the folder, if it was made here, when the process ends that has made it, at whatever point."""
    if _settings.prometheus_multiproc_dir is None and os.getpid() == _own:
        shutil.rmtree(_metrics, ignore_errors=True)


atexit.register(_forget)


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say in one line too what is found wrong only when the app is made, and end with the same status."""
    if not issubclass(kind, SettingsError):
        sys.__excepthook__(kind, error, trace)
        return
    _forget()
    sys.stderr.write(f"{error}\n")
    sys.stderr.flush()
    os._exit(2)


sys.excepthook = _told


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
