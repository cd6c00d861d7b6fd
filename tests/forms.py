"""Forms of the web pages, as a browser sends them."""

from __future__ import annotations

import re


def token_of(client, path="/ui/sign-in"):
    """Return the token that a page was given for its forms."""
    return re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)[1]
