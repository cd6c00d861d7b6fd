"""PUT /models/<id>/current: what is refused, what is compared before, and what is answered."""

import html
import re
import threading
from contextlib import contextmanager

import pytest

from app import create_app
from app.jobs import tasks
from app.payloads import strict_yaml
from app.payloads.parameters import TrainParameters, check
from app.store.artifact import unseal
from conftest import SECRET

#: Seconds between two looks for a job.
LOOK = 0.05


@pytest.fixture
def worked(client_of_redis, settings):
    """Return what lets a thread work the queue while it is entered."""

    @contextmanager
    def working():
        stop = threading.Event()

        def work():
            while not stop.wait(LOOK):
                if job_id := client_of_redis.lpop("rq:queue:training"):
                    tasks.train(job_id.decode(), settings)

        # What `ended` has worked itself stands in the queue still.
        client_of_redis.delete("rq:queue:training")
        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    return working


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"version": 1, "rows": 2}, ["/rows"]),
        ({"version": "1", "row": True}, ["/version", "/row"]),
        ({"row": 1}, ["/version"]),
        ([1], ["/version"]),
    ],
    ids=str,
)
def test_a_promotion_names_a_version_and_may_name_a_row_and_nothing_else(refused, body, pointers):
    refused(422, *pointers, method="PUT", path="/models/kept/current", json=body)


@pytest.mark.parametrize("row", [{}, {"row": 1}], ids=["a version", "a row"])
def test_what_is_current_is_compared_before_anything_is_promoted(refused, row):
    options = {"path": "/models/kept/current", "json": {"version": 1, **row}, "headers": {"If-Match": '"1"'}}
    assert refused(409, method="PUT", **options)["type"] == "urn:problem:stale-version"


def test_a_row_that_is_waited_for_is_answered_as_the_version_that_it_became(settings, ended, training, worked):
    """Not as the training, and not in a string, however the routes of 2017 answer."""
    assert ended(training())["state"] == "finished"
    client = create_app(settings.model_copy(update={"legacy_json_strings": True})).test_client()
    with worked():
        answer = client.put("/models/small/current", json={"version": 1, "row": 1}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert answer.json == client.get("/models/small/versions/2").json
    assert answer.json["result"]["note"].startswith("A row of an earlier training")


def test_a_row_is_served_also_of_a_training_that_left_its_own_version_to_an_admin(client, ended, training, worked):
    assert ended(training({"promote": False}))["state"] == "finished"
    with worked():
        promoted = client.put("/models/small/current", json={"version": 1, "row": 1})
    assert (promoted.status_code, promoted.json["version"] > 1) == (200, True)
    assert client.get("/models/small").json["version"] == promoted.json["version"]


def test_the_artefact_comes_as_it_is_stored(client, kept):
    answer = client.get("/models/kept/versions/1/artifact")
    assert (answer.status_code, answer.mimetype) == (200, "application/octet-stream")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="kept_1.artifact"'
    assert unseal(answer.data, "kept", 1, SECRET) == kept.artifact("kept", 1)


@pytest.mark.parametrize("path", ["/models/none/versions/1/artifact", "/models/kept/versions/9/artifact"])
def test_there_is_no_artefact_of_what_does_not_exist(refused, path):
    refused(404, method="GET", path=path)


@pytest.mark.parametrize(
    ("status", "body", "pointers"),
    [
        (422, {"data": [{"height": "tall", "colour": "red"}]}, ["/data/height"]),
        (422, {"data": [{"colour": "red"}]}, ["/data/height"]),
        (422, {"rows": []}, ["/data"]),
        (422, [1], ["/data"]),
    ],
    ids=str,
)
def test_rows_that_do_not_fit_are_sent_through_no_tree(client, ended, training, status, body, pointers):
    assert ended(training())["state"] == "finished"
    answer = client.post("/models/small/versions/1/paths", json=body)
    assert answer.status_code == status
    assert [fault["pointer"] for fault in answer.json["errors"]] == pointers


def test_rows_go_through_the_tree_that_the_report_tells(client, ended, training):
    assert ended(training())["state"] == "finished"
    told = client.get("/models/small").json["tree"]
    answer = client.post("/models/small/versions/1/paths", json={"data": [{"id": 7, "height": None, "colour": "red"}]})
    (path,) = answer.json["paths"]
    assert path["id"] == 7
    assert path["nodes"][0] == 0
    assert "below" not in told["nodes"][path["nodes"][-1]]


def test_a_version_without_a_tree_says_so(refused):
    problem = refused(409, path="/models/kept/versions/1/paths", json={"data": [{"a": 1}]})
    assert problem["type"] == "urn:problem:no-tree"


def test_a_version_can_be_trained_again_with_what_the_page_of_trainings_is_filled_with(client, ended, training):
    assert ended(training())["state"] == "finished"
    known = client.get("/models/small").json["parameters"]
    page = client.get("/ui/train?model=small&version=1")
    text = html.unescape(re.search(r"<textarea id=\"yaml\"[^>]*>(.*?)</textarea>", page.text, re.DOTALL)[1])
    again = check(TrainParameters, strict_yaml.loads(text.encode(), "params"))
    assert again.model_dump(mode="json") == known
    assert client.get("/ui/train?model=none").status_code == 404
