"""The Python on the pages runs: blocks of a page from top to bottom in one namespace, on small data made for it.

A fenced block `python` runs always, `python a b` where the packages `a` and `b` are installed. A block `python pair a` has two lines of
code that compute the same, the first by the other package: their results are compared.
"""

import ast
import importlib
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from oracles import made

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "docs/python.md", "python/README.md"]
BLOCK = re.compile(r"^```python([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """The packages that a block needs, whether it is a pair, and its code."""
    for words, code in BLOCK.findall((ROOT / page).read_text()):
        names = words.split()
        yield [name for name in names if name != "pair"], "pair" in names, code


@pytest.fixture
def namespace(tmp_path):
    """What the pages take for granted."""
    gallery, queries, bank = made(4, gallery=120, queries=40, bank=80)
    reference_gallery, held_out, _ = made(5, gallery=60, queries=30)
    answers = [np.random.default_rng(6).integers(len(gallery), size=len(rows)) for rows in (queries, held_out)]
    names = {"gallery": gallery, "queries": queries, "bank": bank, "reference_gallery": reference_gallery, "held_out": held_out}
    return names | {"answers": answers[0], "held_out_answers": answers[1], "dim": gallery.shape[1], "folder": tmp_path / "out"}


def missing(packages):
    return [name for name in packages if importlib.util.find_spec(name) is None]


def run(statements, namespace, place):
    exec(compile(ast.Module(statements, []), place, "exec"), namespace)


def run_pair(statements, namespace, place):
    """Runs both of the last two statements, which assign to one name, and compares what it then stands for."""
    *before, theirs, ours = statements
    name = ours.targets[0].id
    run(before, namespace, place)
    run([theirs], namespace, place)
    other = np.asarray(namespace[name])
    run([ours], namespace, place)
    np.testing.assert_allclose(np.asarray(namespace[name]), other, rtol=0, atol=1e-6, err_msg=place)


@pytest.mark.parametrize("page", PAGES)
def test_the_python_on_the_page_runs(page, namespace):
    ran = 0
    for at, (packages, is_pair, code) in enumerate(blocks(page)):
        if missing(packages):
            continue
        namespace |= {name: importlib.import_module(name) for name in packages}
        statements = ast.parse(code).body
        (run_pair if is_pair else run)(statements, namespace, f"{page}, block {at + 1}:\n{code}")
        ran += 1
    assert ran > 0


@pytest.mark.parametrize("package", ["nnn", "kiez", "sklearn", "faiss"])
def test_the_page_has_pairs_or_blocks_of_a_package(package):
    """Guards against a mark that no block has, so that nothing of a package is ever run."""
    assert any(package in packages for packages, _, _ in blocks("docs/python.md"))
