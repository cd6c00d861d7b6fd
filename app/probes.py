"""What platforms ask of this process again and again, without a key: whether it lives, and whether it is ready."""

from __future__ import annotations

#: Flask's names of the routes.
ENDPOINTS = frozenset({"health.live", "health.ready", "v2.live", "v2.ready", "invocations.ping"})

#: Their paths: whole ones, and folders in which there is nothing else.
PATHS = ("/health/", "/v2/health/", "/ping")
