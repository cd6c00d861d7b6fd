"""How large a request may be, by what it asks for. What is larger is refused before it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from app.access import OPEN
from app.auth import is_page

if TYPE_CHECKING:
    from apiflask import APIFlask

    from app.settings import Settings

#: Endpoints that take the rows of a prediction or an explanation, which is answered while its caller waits.
PREDICTING = {
    "serve_prediction.predict", "explain.explain", "models.paths",
    "v1.predict", "v1.explain", "v2.infer", "v2.explain", "invocations.predict",
}  # fmt: skip

#: Those that take what is learned from; the file of a batch prediction has a bound of its own, at its view.
TRAINING = {"train_pipeline.train", "profile.show", "batch_predictions.predict"}

#: Bytes of the body of any other.
SMALL = 2**16

#: Bytes of a form of a page that has no parts: werkzeug bounds neither its fields nor their number.
WHOLE = 2**22

#: Bytes of a field of a form that is not a file: a table belongs into a file. Werkzeug holds what it has read and not
#: yet taken apart to the same bound, of files too, and reads 64 KiB at a time.
FIELD = 2**18


class Bounded(Request):
    """A request whose body is whole or refused."""

    def get_data(self, *args: Any, **kwargs: Any) -> Any:
        """Return the body."""
        data = super().get_data(*args, **kwargs)
        most = self.max_content_length
        if self.content_length is None and most is not None and len(data) >= most:
            # Of one that comes in chunks Werkzeug reads as much as it may, and does not say that there was more.
            raise RequestEntityTooLarge
        return data


def register(app: APIFlask, settings: Settings) -> None:
    """Bound the body of every request before anything reads it."""
    from flask import request

    most = settings.max_upload_mb * 2**20
    app.request_class = Bounded
    app.config["MAX_CONTENT_LENGTH"] = most
    app.config["MAX_FORM_MEMORY_SIZE"] = FIELD
    app.config["MAX_FORM_PARTS"] = 16

    @app.before_request
    def bound() -> None:
        if request.endpoint in PREDICTING:
            request.max_content_length = settings.predict_bytes
        elif is_page(request.blueprint) and request.endpoint not in OPEN:
            # Tables may be pasted into a page.
            request.max_form_memory_size = most
            if request.mimetype == "application/x-www-form-urlencoded":
                request.max_content_length = WHOLE
        elif request.endpoint not in TRAINING:
            request.max_content_length = SMALL
