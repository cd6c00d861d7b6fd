"""The secret that signs artefacts: the operator's, or on one machine one that is made once and kept beside the data."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from app.exposure import MIN_SECRET
from app.settings import Settings, SettingsError


def signing_secret(settings: Settings) -> str:
    """Return the secret; without one in the settings, read or make `signing.key` (0600) in the data folder.

    Raises
    ------
    SettingsError
        The key file is damaged, a link, or others may read or have written it.
    """
    if settings.signing_secret is not None:
        return settings.signing_secret
    path = settings.data_dir / "signing.key"
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.path.lexists(path):
            _make(path)
        secret = _read(path)
    except OSError as error:
        raise SettingsError(f"DATA_DIR: signing.key cannot be made or read: {error.strerror}") from None
    except UnicodeDecodeError:
        secret = ""
    if len(secret) < MIN_SECRET:
        raise SettingsError("SIGNING_SECRET: signing.key in DATA_DIR is damaged; restore it, or the models are lost")
    return secret


def _read(path: Path) -> str:
    """Read a key that is its owner's alone: who else knows it can have code of his run, as a model."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
        raise SettingsError("SIGNING_SECRET: signing.key in DATA_DIR is a link, or another user's; put the file there")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise SettingsError(
            "SIGNING_SECRET: signing.key in DATA_DIR may be read by others; chmod 600, or make a new one"
        )
    return path.read_text()


def _make(path: Path) -> None:
    """Make the file, whole, unless another process does: of several that start at once, one wins."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix="signing-") as file:
        file.write(secrets.token_urlsafe(MIN_SECRET))
        file.flush()
        # A temporary file is its owner's alone (0600), and a link to it appears with its content or not at all.
        with suppress(FileExistsError):
            os.link(file.name, path)
