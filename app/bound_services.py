"""The Redis that Cloud Foundry has bound to the application: its address, of what brokers tell in VCAP_SERVICES."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app.exposure import REDIS_SCHEMES

#: Words of the labels and tags under which platforms offer a Redis; the last two are brokers' own names.
_REDIS = {"redis", "valkey", "rediscloud", "redislabs"}


def redis_url(environ: Mapping[str, str]) -> str | None:
    """Return the address of a bound Redis, of VCAP_SERVICES or of the file that VCAP_SERVICES_FILE_PATH names.

    Raises
    ------
    ValueError
    """
    try:
        path = environ.get("VCAP_SERVICES_FILE_PATH")
        text = Path(path).read_text(encoding="utf-8") if path else environ.get("VCAP_SERVICES", "{}")
        services = json.loads(text)
        for label, instances in services.items():
            for instance in instances:
                if _is_redis(label, instance):
                    return _address(instance["credentials"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ValueError("VCAP_SERVICES: cannot be read, or its Redis has no usable credentials") from None
    return None


def _is_redis(label: str, instance: Mapping[str, Any]) -> bool:
    """Tell by whole words: a user's "prediscovery" is none. Labels and tags have dots and spaces between them too."""
    offered = re.split(r"[^a-z]+", " ".join([label, *instance.get("tags", [])]).lower())
    given = re.split(r"[-_]", instance.get("name", "").lower())
    return not _REDIS.isdisjoint([*offered, *given])


def _address(credentials: Mapping[str, Any]) -> str:
    """Make a URL of the credentials that the common Redis brokers give: one `uri`, or the parts of one."""
    if uri := credentials.get("uri"):
        if not uri.startswith(REDIS_SCHEMES):
            raise ValueError("an address that is not of a Redis")
        return str(uri)
    tls = credentials.get("tls_port")
    host = credentials.get("host") or credentials["hostname"]
    user, password = quote(str(credentials.get("username", "")), safe=""), quote(str(credentials["password"]), safe="")
    return f"{'rediss' if tls else 'redis'}://{user}:{password}@{host}:{tls or credentials.get('port', 6379)}/0"
