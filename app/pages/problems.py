"""A problem as a page, or as the part of one that asked for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Response, redirect, render_template, request, url_for

#: Paths of the pages.
PATHS = re.compile(r"/(ui(/|$)|$)")


def page(problem: Mapping[str, Any]) -> Response:
    """Return a problem as a person reads it; whoever has no key is shown where to type one in."""
    asked_by_page = request.headers.get("HX-Request") == "true"
    if problem["status"] == 401 and not request.path.startswith("/ui/sign-in"):
        back = request.full_path.rstrip("?") if request.method == "GET" and not asked_by_page else "/"
        where = url_for("ui_sign_in.page", next=back)
        # A redirect of an answer to htmx would be followed into the middle of the page.
        return Response(status=401, headers={"HX-Redirect": where}) if asked_by_page else _to(where)
    template = "ui/problem_part.html" if asked_by_page else "ui/problem.html"
    return Response(render_template(template, problem=problem), problem["status"], mimetype="text/html")


def _to(where: str) -> Response:
    found = redirect(where, 303, Response)
    assert isinstance(found, Response)
    return found
