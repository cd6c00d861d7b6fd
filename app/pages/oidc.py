"""Signing in to the web pages by OpenID Connect, where `OIDC_ISSUER` says who knows the people; by Authlib.

Authlib holds the state, the nonce and the proof key (PKCE) of each try in the session, and checks them, the signature,
who the token is from and for, and its time. What is kept of it is who somebody is and what role that gives.
"""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app, request, session, url_for

from app import audit, caller
from app.errors import IdentityRefused, NotFound, ProviderUnavailable
from app.keyring import Keyring
from app.pages.session import begin
from app.services import services
from app.settings import Settings, SettingsError, role_and_namespace

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

#: How a token may be signed; never without a key of the issuer's, and never with one that we hold too.
_ALGORITHMS = ["RS256", "ES256", "PS256", "RS384", "RS512", "ES384", "ES512"]

#: Seconds that the issuer may take to answer, and by which its clock may be wrong.
_ANSWER, _LEEWAY = 5, 60

#: Seconds after which a person has to sign in again.
_LASTS = 8 * 3600

#: Characters of a person's name at the issuer.
_LONGEST = 64

_NAME = "automl.oidc"


def register(app: Flask, settings: Settings) -> None:
    """Get ready to send people to the issuer, which is asked nothing before.

    Raises
    ------
    SettingsError
        Authlib is not installed.
    """
    if settings.oidc_issuer is None:
        return
    try:
        from authlib.integrations.flask_client import OAuth
    except ImportError:
        raise SettingsError(
            "OIDC_ISSUER: signing in by OpenID Connect needs Authlib. Install it with: "
            "pip install -r requirements-oidc.txt"
        ) from None
    # At DEBUG it tells the secrets of a try.
    logging.getLogger("authlib").setLevel(logging.INFO)
    app.extensions[_NAME] = OAuth(app).register(
        "oidc",
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile email",
            "code_challenge_method": "S256",
            "default_timeout": _ANSWER,
        },
    )


def leave_for_issuer(back: str) -> Response:
    """Send whoever asks to the issuer, to come back to a path of this service.

    Raises
    ------
    NotFound, ProviderUnavailable
    """
    from requests import RequestException

    try:
        answer: Response = _client().authorize_redirect(url_for("ui_sign_in.return_from_issuer", _external=True))
    except (RequestException, ValueError, RuntimeError) as error:
        raise _unavailable(error) from None
    session["next"] = back
    return answer


def enter() -> str:
    """Sign in whoever comes back from the issuer, and return where they were going.

    Raises
    ------
    NotFound, IdentityRefused, ProviderUnavailable
    """
    client, settings = _client(), services().settings
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError
    from requests import RequestException

    wanted = {
        "iss": {"essential": True, "value": settings.oidc_issuer},
        "aud": {"essential": True, "value": settings.oidc_client_id},
    }
    try:
        token = client.authorize_access_token(claims_options=wanted, leeway=_LEEWAY)
    except (AuthlibBaseError, JoseError) as error:
        # What the issuer or the address says may be anybody's words.
        logging.getLogger(__name__).info("a sign-in was refused: %s", type(error).__name__)
        raise IdentityRefused("The sign-in is not good, or not any more. Begin again from the sign-in page.") from None
    except (RequestException, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise _unavailable(error) from None
    claims = token.get("userinfo")
    if not claims:
        raise IdentityRefused("The issuer has not said who you are.")
    return _remember(claims, settings)


def _remember(claims: dict[str, Any], settings: Settings) -> str:
    given = claims.get(settings.oidc_claim)
    # A list as a rule; of one group some issuers make a text. Another form names none.
    groups = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    entry = next((role for group, role in settings.oidc_roles.items() if group in groups), None)
    if entry is None:
        raise IdentityRefused("You are known, and none of your groups may use this service. Ask whoever runs it.")
    role, namespace = role_and_namespace(entry)
    back = str(session.get("next", "/"))
    begin()
    session["identity"] = {
        "key_id": "oidc:" + re.sub(r"[^A-Za-z0-9_.@-]", "_", str(claims["sub"]))[:_LONGEST],
        "role": role,
        "namespace": namespace,
        "until": time.time() + _LASTS,
    }
    key = Keyring.of_identity(session["identity"])
    assert key is not None, "it was made now"
    caller.enter(key.caller)
    audit.about(request.path)
    return back


def _client() -> Any:
    """Return Authlib's client, once the issuer has said where it is asked.

    Raises
    ------
    NotFound, ProviderUnavailable
    """
    client, issuer = current_app.extensions.get(_NAME), services().settings.oidc_issuer
    if client is None:
        raise NotFound("This service knows people by their keys alone.")
    from requests import RequestException

    try:
        metadata = client.load_server_metadata()
    except (RequestException, ValueError) as error:
        raise _unavailable(error) from None
    if metadata.get("issuer") != issuer:
        raise ProviderUnavailable
    metadata["id_token_signing_alg_values_supported"] = _ALGORITHMS
    return client


def _unavailable(error: Exception) -> ProviderUnavailable:
    logging.getLogger(__name__).warning("the issuer of OIDC_ISSUER: %s", type(error).__name__)
    return ProviderUnavailable()
