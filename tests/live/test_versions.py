"""Versions of a model: trained, served, promoted and deleted one by one."""

import pytest

TABLE = {"target": "species", "id_column": "id"}


@pytest.fixture
def twice(pipeline, penguins):
    """A pipeline whose two versions answer differently."""
    for rows, depth in ((penguins[0], 1), (penguins[0].head(200), 5)):
        model = {"model": "sklearn.tree.DecisionTreeClassifier", "model_args": {"max_depth": depth}}
        response = pipeline.train(rows, model_training=model, **TABLE)
        assert response.status_code == 200, response.text
        assert response.headers["Location"] == f"/models/{pipeline.id}/versions/{response.json()['version']}"
    return pipeline


def test_training_again_makes_the_next_version_and_serves_it(twice, penguins):
    answer = twice.service.get(f"/models/{twice.id}/versions").json()
    assert answer["current"] == 2
    assert [version["version"] for version in answer["versions"]] == [1, 2]
    shown = twice.service.get(f"/models/{twice.id}")
    assert shown.json()["version"] == 2
    assert shown.headers["ETag"] == '"2"'
    assert twice.predict(penguins[1]).equals(twice.predict(penguins[1], version=2))


def test_an_old_version_is_served_when_asked_for(twice, penguins):
    old = twice.predict(penguins[1], version=1)
    # A tree of depth 1 has two leaves, so two rows of scores.
    assert len(old.drop(columns="prediction").drop_duplicates()) == 2
    assert not old.equals(twice.predict(penguins[1]))


def test_a_record_says_all_that_is_known_of_a_version(twice):
    record = twice.service.get(f"/models/{twice.id}/versions/1").json()
    assert record["parameters"]["model_training"]["model_args"] == {"max_depth": 1}
    assert record["signature"]["id_column"] == "id"
    assert [column["name"] for column in record["signature"]["columns"] if column["role"] == "feature"] == [
        "island",
        "bill_length_mm",
        "bill_depth_mm",
        "flipper_length_mm",
        "body_mass_g",
        "sex",
        "year",
    ]
    assert record["metrics"]["accuracy"]["mean"] > 0.5
    assert record["holdout"]["rows"] > 0
    assert record["libraries"]["scikit-learn"]
    assert record["result"]["version"] == 1


def test_an_older_version_is_promoted_if_nobody_was_faster(twice, penguins):
    path = f"/models/{twice.id}/current"
    stale = twice.service.put(path, json={"version": 1}, headers={"If-Match": '"1"'})
    assert stale.status_code == 409
    assert twice.service.get(f"/models/{twice.id}").json()["version"] == 2
    promoted = twice.service.put(path, json={"version": 1}, headers={"If-Match": '"2"'})
    assert promoted.status_code == 200
    assert promoted.json()["version"] == 1
    assert twice.service.get(f"/models/{twice.id}/versions").json()["current"] == 1
    assert twice.predict(penguins[1]).equals(twice.predict(penguins[1], version=1))


def test_a_version_that_is_not_there_is_not_promoted(twice):
    assert twice.service.put(f"/models/{twice.id}/current", json={"version": 9}).status_code == 404
    assert twice.service.get(f"/models/{twice.id}").json()["version"] == 2


def test_a_version_is_deleted_and_its_number_not_used_again(twice, penguins):
    versions = f"/models/{twice.id}/versions"
    assert twice.service.delete(f"{versions}/1").status_code == 204
    assert twice.service.get(f"{versions}/1").status_code == 404
    assert twice.ask("/serve_prediction", penguins[1], version=1).status_code == 404
    model = {"model": "sklearn.tree.DecisionTreeClassifier"}
    assert twice.train(penguins[0], model_training=model, **TABLE).json()["version"] == 3
    known = twice.service.get(versions).json()["versions"]
    assert [version["version"] for version in known] == [2, 3]


def test_the_current_version_is_not_deleted_alone(twice, penguins):
    assert twice.service.delete(f"/models/{twice.id}/versions/2").status_code == 409
    assert len(twice.predict(penguins[1])) == len(penguins[1])


def test_a_deleted_model_is_gone_at_once(twice, penguins):
    assert len(twice.predict(penguins[1])) == len(penguins[1])
    assert twice.service.delete(f"/models/{twice.id}").status_code == 204
    assert twice.ask("/serve_prediction", penguins[1]).status_code == 404
    assert twice.service.get(f"/models/{twice.id}").status_code == 404
    assert twice.id not in twice.service.get("/models").json()
    assert twice.service.delete(f"/models/{twice.id}").status_code == 404
