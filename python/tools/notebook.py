"""Runs the notebook of examples/ from top to bottom and stores what it printed.

    python python/tools/notebook.py

Needs nbclient, ipykernel and what the notebook imports.
"""

import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "corrected_faiss.ipynb"


def join(outputs):
    """Prints that arrived in pieces, as one."""
    text = "".join(output.text for output in outputs)
    return [nbformat.v4.new_output("stream", name="stdout", text=text)] if text else []


def main():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=600, kernel_name="python3", record_timing=False, resources={"metadata": {"path": folder}})
        client.execute()
    # Versions of the kernel say nothing to a reader, and change with every run.
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = join(cell.outputs)
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    main()
