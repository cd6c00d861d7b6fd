"""Why a pipeline is served as it was fitted."""

from __future__ import annotations


class Uncompiled(Exception):
    """A pipeline has no compiled form; says why, in words for its record."""
