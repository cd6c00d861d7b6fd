"""All models in one signed file, and back: `python -m app export FILE` and `import FILE`.

Layout: 32 bytes HMAC-SHA256 of the SHA-256 of the rest, then a zip (stored, not compressed) of `manifest.json` and, of
each version, what Redis has of it. It is read whole for its signature before a byte of it is parsed. A version that still
trains is left out: its training goes on where it is.
"""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import orjson
import redis

from app.errors import ArtifactRejected, NotFound, RecordDamaged, ServiceError, Unavailable
from app.settings import SettingsError
from app.store.artifact import sign, unseal, verifies
from app.store.record import PROTOCOL, Record, Version
from app.store.redis import ModelStore
from app.store.restoring import Kept, restore

#: Form of the file.
_FORMAT = 1

#: Keeps signatures of exports apart from any other use of the same secret.
_PURPOSE = b"automl export 1\n"

_SIGNATURE = hashlib.sha256().digest_size

#: Bytes that are read at once for a digest.
_BLOCK = 2**20

#: Parts of a version, by their names in the file.
_RECORD, _ARTIFACT, _REPORT, _EXPLANATIONS = "record.json", "artifact", "report.json", "explanations.json"
