"""The notebook: it runs from start to end against a real service, and is kept without what it printed."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "modelling_and_usage.ipynb"

#: Seconds that one cell may take; the longest waits for a training.
PATIENCE = 120


def cells_of_code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def executed(service, tmp_path_factory):
    """The notebook as it stands after the last cell; the kernel has ended, and its models are deleted."""
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERVICE_URL", service.root)
        patch.setenv("SERVICE_KEY", service.headers.get("Authorization", "").removeprefix("Bearer "))
        patch.setenv("SEARCH_MINUTES", "0.25")
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
            patch.setenv(name, str(folder / name.lower()))
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        # A cell that fails ends it with what the cell said.
        client = NotebookClient(
            notebook,
            timeout=PATIENCE,
            kernel_name="python3",
            resources={"metadata": {"path": str(NOTEBOOK.parent)}},
        )
        client.execute()
    assert client.km is None or not client.km.is_alive()
    yield {tag: cell for cell in cells_of_code(notebook) for tag in cell.metadata.get("tags", ["untagged"])}, notebook
    for name in ("notebook-forest", "notebook-tpot"):
        assert service.delete(f"/models/{name}").status_code == 204


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")


def shown(cell, form):
    return [output.data[form] for output in cell.outputs if form in output.get("data", {})]


def test_every_cell_has_run_and_none_has_warned(executed):
    _, notebook = executed
    cells = cells_of_code(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    warned = [output.text for cell in cells for output in cell.outputs if output.get("name") == "stderr"]
    assert warned == []


@pytest.mark.parametrize("tag", ["series", "kinds", "importances", "shap", "signal"])
def test_a_plot_is_made(executed, tag):
    cells, _ = executed
    assert len(shown(cells[tag], "image/png")) == 1


def test_the_box_plot_is_labelled_by_the_scorer_that_was_used(executed):
    cells, _ = executed
    said = re.fullmatch(r"(\d+) pipelines of (\d+) kinds; the axis is (.*)\n", printed(cells["kinds"]))
    assert int(said[1]) >= int(said[2]) >= 1
    assert said[3] == "roc_auc, mean of 5 folds"


def test_predictions_are_a_frame_by_id(executed):
    cells, _ = executed
    (table,) = shown(cells["predictions"], "text/plain")
    assert table.split()[:2] == ["score", "id"]
    assert len(table.splitlines()) == 2 + 5


def test_the_classes_of_new_persons_are_told(executed):
    cells, _ = executed
    found = dict(re.findall(r"(\S+): test AUC ([\d.]+) of 132 series", printed(cells["auc"])))
    assert found.keys() == {"notebook-forest", "notebook-tpot"}
    assert float(found["notebook-forest"]) > 0.9
    # In so short a search a slow machine makes a few candidates only; tests/live/test_main_job.py gives it more.
    assert float(found["notebook-tpot"]) > 0.5


def test_each_explanation_says_how_far_to_believe_it(executed):
    cells, _ = executed
    assert re.search(r"tree, ended: exact, additivity error \S+\n", printed(cells["shap"]))
    assert re.search(
        r"placed, additivity error \S+\nsegments: fidelity -?[\d.]+, stability [\d.]+\n", printed(cells["signal"])
    )


def test_the_page_and_the_code_of_a_version_are_there(executed):
    cells, _ = executed
    assert re.findall(r"^(\d+) ", printed(cells["pages"]), re.MULTILINE) == ["200", "200"]


def test_the_notebook_is_kept_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = cells_of_code(notebook)
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)
    assert "widgets" not in notebook.metadata
