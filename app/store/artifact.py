"""Signed artefacts: a manifest and named byte strings under one HMAC, checked before a byte of them is parsed.

Layout: 32 bytes HMAC-SHA256, then a zip (stored, not compressed) of `manifest.json` and the parts. The manifest binds
the bytes to a namespace, a pipeline and a version, so that artefacts cannot be swapped.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import orjson

from app.caller import DEFAULT
from app.errors import ArtifactRejected
from app.store import signature

#: Keeps signatures of artefacts apart from any other use of the same secret.
_PURPOSE = b"automl artefact 1\n"

#: A fixed time, so that equal parts give equal bytes.
_ZIP_TIME = (2017, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Artifact:
    """What serves one version: `manifest` says how to read the `parts`."""

    manifest: dict[str, Any]
    parts: dict[str, bytes]


def seal(artifact: Artifact, pipeline_id: str | int, version: int, secret: str, namespace: str = DEFAULT) -> bytes:
    """Pack and sign an artefact for one version of one pipeline."""
    place = {"namespace": namespace, "pipeline_id": str(pipeline_id), "version": version}
    manifest = artifact.manifest | place
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, data in {"manifest.json": orjson.dumps(manifest), **artifact.parts}.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data)
    return signature.sealed(_PURPOSE, packed.getvalue(), secret)


def unseal(sealed: bytes, pipeline_id: str | int, version: int, secret: str, namespace: str = DEFAULT) -> Artifact:
    """Verify and unpack an artefact.

    Raises
    ------
    ArtifactRejected
        The signature is not ours, or the artefact is of another version or namespace.
    """
    if (body := signature.opened(_PURPOSE, sealed, secret)) is None:
        raise ArtifactRejected(pipeline_id, version)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    manifest = orjson.loads(parts.pop("manifest.json"))
    # What was signed before there were namespaces is of the default one.
    place = (manifest.get("namespace", DEFAULT), manifest["pipeline_id"], manifest["version"])
    if place != (namespace, str(pipeline_id), version):
        raise ArtifactRejected(pipeline_id, version)
    return Artifact(manifest, parts)
