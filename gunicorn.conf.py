"""How gunicorn serves the app, here and on a platform: `gunicorn "app:create_app()"`."""

from app.settings import Settings

_settings = Settings.from_environment()

bind = _settings.address
workers = _settings.web_concurrency
worker_class = "gthread"
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
