"""An OpenID Connect provider on loopback, which signs in anybody, and can be told to do it wrong."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.common.encoding import urlsafe_b64encode
from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT, CLIENT_SECRET = "automl", "a secret of the client"


#: The issuer's own, and another of the same name: they take a while to make.
KEY, OTHER = (RSAKey.generate_key(2048, {"kid": "one"}) for _ in range(2))


class Issuer:
    """What a test may spoil: `claims` over the right ones, `wrong` for how a token is made."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.claims: dict[str, Any] = {}
        self.wrong: str | None = None
        self._codes: dict[str, dict[str, str]] = {}

    def sign_in(self, address: str) -> str:
        """Do what a person does at the provider, and return the address that leads back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["code_challenge_method"] == "S256"
        assert asked["response_type"] == "code"
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self) -> Any:
        """Give a token for a code, once, to whoever has the secret and has begun the try."""
        asked = self._codes.pop(request.form["code"], None)
        challenge = urlsafe_b64encode(sha256(request.form["code_verifier"].encode()).digest()).decode()
        known = request.authorization is not None and request.authorization.password == CLIENT_SECRET
        if asked is None or not known or challenge != asked["code_challenge"]:
            return jsonify(error="invalid_grant"), 400
        now = int(time.time())
        usual = {"iss": self.url, "aud": CLIENT, "sub": "mary", "groups": ["scientists"], "iat": now, "exp": now + 300,
                 "nonce": asked["nonce"]}  # fmt: skip
        claims = {name: value for name, value in (usual | self.claims).items() if value is not None}
        told = {"access_token": "x", "token_type": "Bearer", "id_token": self._signed(claims)}
        return jsonify({name: value for name, value in told.items() if value is not None})

    def _signed(self, claims: dict[str, Any]) -> str | None:
        if self.wrong == "none":
            return None
        if self.wrong == "unsigned":
            body = jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY).split(".")[1]
            return urlsafe_b64encode(b'{"alg":"none"}').decode() + f".{body}."
        if self.wrong == "no algorithm":
            header, body, _ = jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY).split(".")
            return f"{header}.{body}."
        if self.wrong == "a shared secret":
            from joserfc.jwk import OctKey

            pem = KEY.as_pem(private=False)
            return jwt.encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(pem.hex()))
        key = OTHER if self.wrong == "another key" else KEY
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)


@contextmanager
def running(port: int) -> Iterator[Issuer]:
    """Run one until the end of the block."""
    issuer, app = Issuer(port), Flask("issuer")
    where = {name: f"{issuer.url}/{path}" for name, path in (
        ("authorization_endpoint", "authorize"), ("token_endpoint", "token"), ("jwks_uri", "keys"))}  # fmt: skip
    app.get("/.well-known/openid-configuration", endpoint="where")(
        lambda: jsonify(
            issuer=issuer.url if issuer.wrong != "another issuer" else "https://elsewhere.example",
            id_token_signing_alg_values_supported=["none", "HS256", "RS256"],
            **where,
        )
    )
    app.get("/keys", endpoint="keys")(lambda: jsonify(keys=[KEY.as_dict(private=False)]))
    app.post("/token", endpoint="token")(issuer.token)
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
