"""What a pipeline is made of: as text, as scikit-learn's own HTML, and as a graph of steps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from app.pipelines.reports.arguments import given
from app.pipelines.reports.expressions import Unwritable, expression

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.pipeline import Pipeline

#: Characters of an argument in the graph, and columns of an edge, of which more are counted.
_ARGUMENT, _COLUMNS = 60, 3

#: Steps of TPOT that hand on what they get, or nothing.
_IDENTITY, _NOTHING = ("Passthrough",), ("SkipTransformer",)

#: Parameters under which an estimator holds another one that it wraps.
_WRAPPED = ("estimator", "regressor", "classifier", "base_estimator")

#: Of scikit-learn's HTML: scripts, remarks, links to its documentation and what these say, arguments left at defaults.
_OUTWARD = (
    r"<script\b.*?</script>",
    r"/\*.*?\*/",
    r"<button\b.*?</button>",
    r'<span class="param-doc-description".*?</span>',
    r'<tr class="default">.*?</tr>',
    r'<a class="sk-estimator-doc-link.*?</a>',
    r'(?<=<a class="param-doc-link")[^>]*',
)


def structure(pipeline: Pipeline) -> dict[str, Any]:
    """Describe a pipeline, fitted or not; what it has learned is not told.

    Returns
    -------
    {"text", "html", "graph": {"nodes": [{"id", "label", "kind", "params"}], "edges": [[from, to, label]]}}. `html`
    loads nothing and runs nothing. Kinds are data, transformer, model, stacked (its predictions become columns),
    wrapper (it uses what comes in as a model) and join. The label of an edge is columns or a weight, or empty.
    """
    from sklearn.base import clone
    from sklearn.utils import estimator_html_repr

    unfitted = clone(pipeline)
    html = estimator_html_repr(unfitted)
    for pattern in _OUTWARD:
        html = re.sub(pattern, "", html, flags=re.DOTALL)
    graph = _Graph()
    graph.add(unfitted, [(graph.node("data", "data", {}), "")])
    return {
        "text": _whole(unfitted),
        "html": html,
        "graph": {"nodes": graph.nodes, "edges": graph.edges},
    }


def _whole(pipeline: Pipeline) -> str:
    """Return a pipeline as text; scikit-learn's own leaves out what is beyond the thirtieth of a list."""
    try:
        return expression(pipeline).text
    except Unwritable:
        return str(pipeline.__repr__(N_CHAR_MAX=1_000_000))


class _Graph:
    """Nodes and edges. An input is a node and the label of the edge from it."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[list[Any]] = []

    def node(self, label: str, kind: str, params: dict[str, str], inputs: Sequence[tuple[int, str]] = ()) -> int:
        """Add a node and the edges to it."""
        number = len(self.nodes)
        self.nodes.append({"id": number, "label": label, "kind": kind, "params": params})
        self.edges += [[source, number, told] for source, told in dict.fromkeys(inputs)]
        return number

    def add(self, step: Any, inputs: list[tuple[int, str]], kind: str | None = None) -> list[tuple[int, str]]:
        """Add a step and all that it is made of; return what the next step gets."""
        name = type(step).__name__
        if step is None or step == "passthrough" or name in _IDENTITY:
            return inputs
        if (isinstance(step, str) and step == "drop") or name in _NOTHING:
            return []
        if hasattr(step, "steps"):
            for _, inner in step.steps[:-1]:
                inputs = self.add(inner, inputs)
            return self.add(step.steps[-1][1], inputs, kind)
        branches = _branches(step)
        if branches is not None:
            return self._join(step, branches, inputs, kind)
        if name == "EstimatorTransformer":
            predictions = self.add(step.estimator, inputs, "stacked")
            return [*predictions, *inputs] if step.passthrough else predictions
        return self._single(step, inputs, kind)

    def _single(self, step: Any, inputs: list[tuple[int, str]], kind: str | None) -> list[tuple[int, str]]:
        arguments = given(step)
        predicts = hasattr(step, "predict") or not hasattr(step, "transform")
        inner = next((name for name in _WRAPPED if hasattr(arguments.get(name), "get_params")), None)
        if inner is not None and predicts:
            # What a wrapper of a model gets is that model's input.
            inputs = self.add(arguments.pop(inner), inputs, "model")
            kind = kind or "wrapper"
        params = {name: _short(value) for name, value in arguments.items()}
        return [(self.node(type(step).__name__, kind or ("model" if predicts else "transformer"), params, inputs), "")]

    def _join(
        self, step: Any, branches: list[tuple[Any, str]], inputs: list[tuple[int, str]], kind: str | None
    ) -> list[tuple[int, str]]:
        outputs: list[tuple[int, str]] = []
        predicts = not hasattr(step, "transform")
        for inner, told in branches:
            if predicts:
                # The weight of a member is told where it comes out.
                outputs += [(source, told) for source, _ in self.add(inner, inputs, "model")]
            else:
                outputs += self.add(inner, [(source, told) for source, _ in inputs] if told else inputs)
        final = getattr(step, "final_estimator", None)
        if final is not None:
            return self.add(final, [*outputs, *inputs] if step.passthrough else outputs, kind)
        if len(outputs) < 2:
            return outputs
        return [(self.node(type(step).__name__, "join", {}, outputs), "")]


def _branches(step: Any) -> list[tuple[Any, str]] | None:
    """Return what works side by side, each with its columns or its weight; None where nothing does."""
    if hasattr(step, "transformers"):
        named = [(inner, _columns(columns)) for _, inner, columns in step.transformers]
        return [*named, (step.remainder, "the others")] if step.remainder != "drop" else named
    if hasattr(step, "transformer_list"):
        return [(inner, "") for _, inner in step.transformer_list]
    if hasattr(step, "members"):
        return [(inner, f"× {weight:.3g}") for _, inner, weight in step.members]
    if hasattr(step, "estimators") and isinstance(step.estimators, list):
        return [(inner, "") for _, inner in step.estimators]
    return None


def _columns(columns: Any) -> str:
    if not isinstance(columns, list):
        return _short(columns)
    more = len(columns) - _COLUMNS
    return ", ".join(map(str, columns[:_COLUMNS])) + (f" and {more} more" if more > 0 else "")


def _short(value: Any) -> str:
    try:
        text = " ".join(expression(value).text.split())
    except Unwritable as error:
        text = str(error)
    return text if len(text) <= _ARGUMENT else f"{text[: _ARGUMENT - 1]}…"
