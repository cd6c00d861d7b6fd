"""The version that a page is of, with the addresses of its parts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import url_for

from app.errors import NotFound
from app.pages.asking import fields, kept_series, predicted, sent
from app.payloads.parameters import Output, PredictParameters
from app.pipelines import run
from app.services import services

if TYPE_CHECKING:
    from flask import Request

    from app.payloads.signature import Signature
    from app.payloads.uploads import Upload
    from app.store.record import Record


@dataclass(frozen=True)
class Place:
    """A version."""

    record: Record

    @classmethod
    def of(cls, pipeline_id: str, version: int | None) -> Place:
        """Look a version up.

        Raises
        ------
        ModelNotFound, VersionNotFound
        """
        return cls(services().store.record(pipeline_id, version))

    @cached_property
    def signature(self) -> Signature:
        """The columns that it accepts."""
        return sent.signature_of(self.record)

    @property
    def classes(self) -> list[str]:
        """Its classes; none of numbers."""
        return predicted.classes(self.record)

    @property
    def typed(self) -> bool:
        """Whether a row can be typed in."""
        return fields.offered(self.signature)

    @property
    def of_series(self) -> bool:
        """Whether it reads series."""
        return sent.of_series(self.signature)

    @property
    def of_images(self) -> bool:
        """Whether it reads images."""
        return any(column.kind.value == "image" for column in self.signature.columns)

    @property
    def thing(self) -> str:
        """What it reads, in a word."""
        if self.of_series:
            return "series"
        kinds = {column.kind.value for column in self.signature.columns}
        return next(iter(kinds)) if kinds in ({"text"}, {"image"}) else "row"

    @property
    def a_thing(self) -> str:
        """The same with its article."""
        return f"{'an' if self.thing == 'image' else 'a'} {self.thing}"

    @cached_property
    def series(self) -> list[dict[str, Any]]:
        """Series of the training that are kept with it."""
        report = services().store.report(self.record.pipeline_id, self.record.version)
        found: list[dict[str, Any]] = report.get("examples") or []
        return found

    @property
    def series_names(self) -> list[str]:
        """What they are called."""
        return kept_series.names(self.series)

    @property
    def no_series(self) -> str | None:
        """Why they cannot be sent again."""
        return kept_series.why_not(self.signature, self.series, self.record.task == "forecasting")

    @property
    def times_are_made_up(self) -> bool:
        """Whether of their times only the order is kept."""
        return kept_series.timed(self.signature)

    def begun(self, request: Request) -> sent.Given:
        """Return what a page begins with, as `sent.begun` does, or (`?series=`) with a series of the training.

        Raises
        ------
        NotFound, and what `sent.begun` raises
        """
        number = request.args.get("series")
        if number is None or request.method != "GET" or not self.of_series:
            return sent.begun(request, self.signature, services().settings)
        if self.no_series or not number.isdecimal() or len(number) > 3 or int(number) >= len(self.series):
            raise NotFound("There is no such series of the training.")
        return sent.Given(sent.TEXT, {}, kept_series.text(self.signature, self.series[int(number)]))

    def url(self, endpoint: str, **values: Any) -> str:
        """Return the address of a page, or of a part of one, of this version: another may become current meanwhile."""
        return url_for(endpoint, pipeline_id=str(self.record.pipeline_id), version=self.record.version, **values)

    def predict(self, upload: Upload) -> dict[str, list[Any]]:
        """Predict, with the probabilities of all classes, as POST /serve_prediction does.

        Raises
        ------
        What `run.predict` raises
        """
        output = Output.ALL if self.record.task == "classification" else None
        parameters = PredictParameters(pipeline_id=self.record.pipeline_id, version=self.record.version, output=output)
        held = services()
        return run.predict(parameters, upload, held.store, held.pipelines, held.settings)
