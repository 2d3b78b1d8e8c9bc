"""The lines of the guide that show progress, run in a Jupyter kernel as in a notebook."""

from doctest import DocTestParser
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "user_guide" / "scikit_learn.rst"
DATA = """
from sklearn.datasets import make_multilabel_classification
from sklearn_metalabel import MetaPolicyClassifier
X, Y = make_multilabel_classification(100, random_state=0)
"""


def lines_of_the_guide():
    """What the guide tells a reader to copy, from the import of the progress bar to the fit."""
    sources = [example.source for example in DocTestParser().get_examples(PAGE.read_text(encoding="utf-8"))]
    start = next(i for i, source in enumerate(sources) if "import ProgressBar" in source)
    return "".join(sources[start : start + 3])


def test_a_progress_bar_runs_to_its_end_in_a_notebook(tmp_path):
    nbformat = pytest.importorskip("nbformat", reason="the extra 'notebook' is not installed")
    nbclient = pytest.importorskip("nbclient", reason="the extra 'notebook' is not installed")
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in (DATA, lines_of_the_guide())]
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()

    assert "fit(X, Y)" in notebook.cells[1].source
    assert [output.output_type for output in notebook.cells[1].outputs] == ["display_data"] * 2
    widgets = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    shown = [each["state"]["outputs"] for each in widgets if each["model_name"] == "OutputModel"]
    text = "".join(output["data"]["text/plain"] for outputs in shown for output in outputs)
    assert "MetaPolicyClassifier - fit" in text
    assert text.count("100%") == len(text.splitlines())
