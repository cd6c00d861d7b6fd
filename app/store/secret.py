"""The secret that signs artefacts: the operator's, or on one machine one that is made once and kept beside the data."""

from __future__ import annotations

import os
import secrets

from app.settings import MIN_SECRET, Settings, SettingsError


def signing_secret(settings: Settings) -> str:
    """Return the secret; without one in the settings, read or make `signing.key` (0600) in the data folder.

    Raises
    ------
    SettingsError
        The key file is not usable.
    """
    if settings.signing_secret is not None:
        return settings.signing_secret
    path = settings.data_dir / "signing.key"
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # Of several processes that start at once, one makes the file.
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(MIN_SECRET))
    except FileExistsError:
        pass
    secret = path.read_text()
    if len(secret) < MIN_SECRET:
        raise SettingsError("SIGNING_SECRET: signing.key in DATA_DIR is damaged; restore it, or the models are lost")
    return secret
