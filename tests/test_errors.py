"""The error tree as it is drawn, and what its errors look like to a caller."""

import logging
import re

import pytest
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from app import create_app, errors


def drawn():
    """Return {class name: (parent's name, status)} of the tree in the module's docstring."""
    found, path = {}, []
    tree = errors.__doc__[errors.__doc__.index("\nServiceError") :]
    for line in tree.strip().splitlines():
        match = re.match(r"([│├└─ ]*)(\w+)\s*(\d{3})?", line)
        depth = len(match[1]) // 3
        del path[depth:]
        parent = path[-1] if path else None
        status = int(match[3]) if match[3] else found[parent][1]
        found[match[2]] = (parent, status)
        path.append(match[2])
    return found


def defined(kind=errors.ServiceError, parent=None):
    """Return the same of the classes."""
    found = {kind.__name__: (parent, kind.status)}
    for child in kind.__subclasses__():
        found |= defined(child, kind.__name__)
    return found


def test_the_tree_is_drawn_as_it_is():
    assert len(drawn()) > 25
    assert drawn() == defined()


def test_every_class_that_is_raised_has_a_code_of_its_own():
    kinds = [getattr(errors, name) for name in drawn()]
    shared = {errors.TrainingEnded}
    codes = [kind.code for kind in kinds if kind not in shared]
    assert len(set(codes)) == len(codes)


@pytest.fixture
def failing(settings, client_of_redis):
    """Return a function that makes an app with a route that raises, and asks for that route."""

    def ask(error):
        app = create_app(settings)

        @app.get("/raise")
        def view():
            raise error

        return app.test_client().get("/raise")

    return ask


def test_an_error_of_ours_is_a_problem_with_all_its_members(failing):
    faults = [errors.Fault("/raw_data/x", "too long"), errors.Fault("/labels", "one class")]
    answer = failing(errors.InvalidData("It does not fit.", faults))
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert answer.json == {
        "type": "urn:problem:invalid-data",
        "title": "The data cannot be accepted",
        "status": 422,
        "detail": "It does not fit.",
        "errors": [
            {"pointer": "/raw_data/x", "detail": "too long"},
            {"pointer": "/labels", "detail": "one class"},
        ],
        "instance": "/raise",
    }


def test_an_error_without_faults_has_no_list_of_them(failing):
    assert "errors" not in failing(errors.ModelNotFound(7)).json


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (errors.StoreUnavailable(), "Retry-After", "5"),
        (errors.Busy("full"), "Retry-After", "5"),
        (errors.KeyMissing("no key"), "WWW-Authenticate", 'Bearer realm="automl"'),
    ],
)
def test_an_error_brings_its_headers(failing, error, header, value):
    assert failing(error).headers[header] == value


def test_an_unforeseen_error_is_a_500_without_its_words(failing, caplog):
    answer = failing(RuntimeError("the password is s3cret"))
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert answer.json["type"] == "urn:problem:internal-error"
    assert "s3cret" not in answer.text
    assert "RuntimeError" not in answer.text
    assert "s3cret" in caplog.text, "the log has them"


def test_what_the_caller_cannot_mend_is_in_the_log(failing, caplog):
    # Whatever level another test has left: each request has a line at INFO.
    caplog.set_level(logging.WARNING)
    failing(errors.ModelNotFound(7))
    assert not caplog.records
    failing(errors.EngineMissing("TPOT", "tpot"))
    (entry,) = caplog.messages
    assert entry.startswith("EngineMissing at GET /raise: The TPOT engine needs")


def test_the_type_of_an_error_of_werkzeugs_is_the_same_under_every_python(failing):
    """Python 3.13 has another phrase for 416."""
    assert failing(RequestedRangeNotSatisfiable()).json["type"] == "urn:problem:requested-range-not-satisfiable"


def test_an_unforeseen_error_is_a_500_in_any_script(failing, caplog):
    # What the log says of it cannot be written in UTF-8, and so not be handed from process to process.
    caplog.set_level(logging.CRITICAL, "app")
    assert (
        failing(errors.InvalidData("lone \ud800", [errors.Fault("/\ud800", "x")])).mimetype
        == "application/problem+json"
    )


@pytest.mark.parametrize("path", ["/nowhere", "/models/a/b/c/d", "/static/../app/settings.py", "/caf%C3%A9", "/%ff"])
def test_an_unknown_path_is_a_problem(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.json["type"] == "urn:problem:not-found"


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/models"), ("GET", "/train_pipeline"), ("TRACE", "/docs")])
def test_a_wrong_method_is_a_problem_that_tells_the_right_ones(client, method, path):
    answer = client.open(path, method=method, headers={"X-HTTP-Method-Override": "DELETE"})
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert {"GET", "POST"} & set(answer.headers["Allow"].split(", "))
    assert answer.headers.getlist("Content-Type") == ["application/problem+json"]


def test_a_stored_failure_is_raised_again_as_it_was():
    stored = errors.InvalidData("It does not fit.", [errors.Fault("/labels", "one class")]).as_problem()
    assert errors.TrainingEnded(stored).as_problem() == stored


@pytest.mark.parametrize(("count", "text"), [(0, ""), (2, "0, 1"), (20, "18, 19"), (23, "18, 19 and 3 more")])
def test_a_long_list_is_cut_and_the_rest_counted(count, text):
    assert errors.listed(range(count)).endswith(text)


def test_a_missing_engine_names_the_package_and_how_to_install_it():
    error = errors.EngineMissing("TPOT", "tpot")
    assert error.status == 501
    assert "pip install" in str(error)
    assert "tpot" in str(error)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RandomForestClassifier", "did you mean sklearn.ensemble.RandomForestClassifier? "),
        ("sklearn.ensemble.RandomForestClasifier", "did you mean sklearn.ensemble.RandomForestClassifier? "),
        ("something else", ""),
        (7, ""),
    ],
)
def test_what_was_meant_is_guessed_where_it_is_near(name, expected):
    assert errors.nearest(name, ["sklearn.ensemble.RandomForestClassifier", "sklearn.svm.SVC"]) == expected
