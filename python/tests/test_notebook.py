"""The notebook runs from top to bottom, and what is stored in it was printed by such a run."""

import copy
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

NOTEBOOK = Path(__file__).parents[1] / "examples" / "corrected_faiss.ipynb"


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(NOTEBOOK, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")


def test_the_notebook_runs(stored, tmp_path):
    pytest.importorskip("faiss")
    pytest.importorskip("ipykernel")
    notebook = copy.deepcopy(stored)
    # Its cells assert what they claim; a cell that fails raises.
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    for cell, before in zip(code(notebook), code(stored), strict=True):
        # Digits may differ in the last places between machines; a line more or less may not.
        assert len(printed(cell).splitlines()) == len(printed(before).splitlines()), cell.source


def test_the_stored_outputs_are_those_of_one_run_from_top_to_bottom(stored):
    assert [cell.execution_count for cell in code(stored)] == list(range(1, len(code(stored)) + 1))
    assert all(output.output_type == "stream" and output.name == "stdout" for cell in code(stored) for output in cell.outputs)


def test_the_notebook_names_no_path_of_the_machine_that_ran_it(stored):
    text = NOTEBOOK.read_text()
    assert not any(place in text for place in ("/home/", "/root/", "/tmp/", "/usr/"))
