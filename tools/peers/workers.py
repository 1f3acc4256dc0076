"""One timed task of one peer, in a process of its own: prints a JSON object. Started by compare.py.

The clock runs over what the peer computes, not over reading files or building its index, which favours the peers.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

THREADS = 2


class Clock:
    """Wall and processor seconds since it was made; the latter of all threads."""

    def __init__(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def stop(self):
        return {"seconds": time.perf_counter() - self.wall, "cpu_seconds": time.process_time() - self.cpu}


def peak_mib():
    """Peak resident memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def load(path):
    """A (rows, dim) f32 matrix."""
    return np.ascontiguousarray(np.load(path), dtype=np.float32)


def nnn_bias(gallery, bank, k):
    """The package's own exhaustive path at its default batch size of 128; returns (times, bias)."""
    import torch
    from nnn import NNNRetriever

    torch.set_num_threads(THREADS)
    retriever = NNNRetriever(gallery.shape[1])
    gallery, bank = torch.from_numpy(gallery), torch.from_numpy(bank)
    clock = Clock()
    bias = retriever.compute_alignment_means(gallery, bank, k, 128)
    return clock.stop(), bias[:, 0]


def nnn_rank(gallery, queries, bias, alpha):
    """The package's own exhaustive search for the best item; returns (times, items)."""
    import torch
    from nnn import NNNRetriever

    torch.set_num_threads(THREADS)
    retriever = NNNRetriever(gallery.shape[1])
    gallery, queries = torch.from_numpy(gallery), torch.from_numpy(queries)
    bias = torch.from_numpy(bias[:, None])
    clock = Clock()
    _, items = retriever.retrieve(gallery, queries, 1, alpha, bias, 128)
    return clock.stop(), items[:, 0]


def faiss_bias(gallery, bank, k):
    """Exhaustive inner-product search of every gallery item in the bank; returns (times, bias)."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    index = faiss.IndexFlatIP(gallery.shape[1])
    index.add(bank)
    clock = Clock()
    scores, _ = index.search(gallery, k)
    bias = scores.mean(axis=1)
    return clock.stop(), bias


def torch_means(gallery, bank, k, dtype):
    """Blocks of a matrix product by PyTorch (MKL, oneDNN), of which the k largest of every row are kept; returns (times, bias)."""
    import torch

    torch.set_num_threads(THREADS)
    gallery, bank = (torch.from_numpy(rows).to(dtype) for rows in (gallery, bank))
    clock, best = Clock(), torch.empty((len(gallery), 0))
    for block in bank.split(COLUMNS):
        best = torch.cat([best, torch.matmul(gallery, block.T).float()], 1)
        best = best.topk(min(k, best.shape[1])).values
    bias = best.mean(1)
    return clock.stop(), bias.numpy()


def torch_bias(gallery, bank, k):
    """In f32."""
    import torch

    return torch_means(gallery, bank, k, torch.float32)


def torch_bf16_bias(gallery, bank, k):
    """In bf16, scores rounded to eight bits: not exact."""
    import torch

    return torch_means(gallery, bank, k, torch.bfloat16)


def usearch_bias(gallery, bank, k):
    """usearch's exact search by inner product, which wants whole queries beside whole rows; returns (times, bias)."""
    from usearch.index import MetricKind, search

    clock = Clock()
    found = search(bank, gallery, k, MetricKind.IP, exact=True, threads=THREADS)
    bias = (1 - found.distances).mean(axis=1)
    return clock.stop(), bias


def scann_bias(gallery, bank, k):
    """ScaNN's brute force; returns (times, bias)."""
    import scann

    searcher = scann.scann_ops_pybind.builder(bank, k, "dot_product").score_brute_force().set_n_training_threads(THREADS).build()
    searcher.set_num_threads(THREADS)
    clock = Clock()
    _, scores = searcher.search_batched_parallel(gallery, final_num_neighbors=k)
    bias = scores.mean(axis=1)
    return clock.stop(), bias


def faiss_rank(gallery, queries, bias, alpha):
    """Exhaustive search with the bias as one more dimension; returns (times, items)."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    index = faiss.IndexFlatIP(gallery.shape[1] + 1)
    index.add(np.concatenate([gallery, bias[:, None]], axis=1))
    weights = np.full((len(queries), 1), -alpha, dtype=np.float32)
    queries = np.concatenate([queries, weights], axis=1)
    clock = Clock()
    _, items = index.search(queries, 1)
    return clock.stop(), items[:, 0]


def numpy_products(gallery, bank, k):
    """All scores through NumPy's BLAS, in blocks that stay in the cache; it has no fast selection."""
    out = np.empty((len(gallery), COLUMNS), dtype=np.float32)
    clock = Clock()
    for first in range(0, len(bank), COLUMNS):
        block = bank[first : first + COLUMNS]
        np.matmul(gallery, block.T, out=out if len(block) == COLUMNS else None)
    return clock.stop()


def torch_products(gallery, bank, k):
    """The same through PyTorch; then with the k largest of every row kept."""
    import torch

    torch.set_num_threads(THREADS)
    gallery, bank = torch.from_numpy(gallery), torch.from_numpy(bank)
    out = torch.empty((len(gallery), COLUMNS))
    clock = Clock()
    for block in bank.split(COLUMNS):
        torch.matmul(gallery, block.T, out=out) if len(block) == COLUMNS else torch.matmul(gallery, block.T)
    times = clock.stop()
    clock, best = Clock(), torch.empty((len(gallery), 0))
    for block in bank.split(COLUMNS):
        scores = torch.matmul(gallery, block.T, out=out) if len(block) == COLUMNS else torch.matmul(gallery, block.T)
        best = torch.cat([best, scores], 1).topk(k).values
    kept = clock.stop()
    return times | {f"topk_{what}": kept[what] for what in kept}


def torch_search(gallery, queries, top):
    """The best items of every query by PyTorch, which holds the scores of 100 queries at a time, or of 4,096 items; returns (the
    times of the faster way, items)."""
    import torch

    torch.set_num_threads(THREADS)
    gallery, queries = torch.from_numpy(gallery), torch.from_numpy(queries)
    clock = Clock()
    items = torch.cat([torch.matmul(some, gallery.T).topk(top).indices for some in queries.split(100)])
    whole_rows = clock.stop()
    clock, best, places = Clock(), torch.empty((len(queries), 0)), torch.empty((len(queries), 0), dtype=torch.int64)
    for first in range(0, len(gallery), COLUMNS):
        found = torch.matmul(queries, gallery[first : first + COLUMNS].T).topk(min(top, len(gallery) - first))
        best, places = torch.cat([best, found.values], 1), torch.cat([places, found.indices + first], 1)
        best, chosen = best.topk(top)
        places = places.gather(1, chosen)
    in_blocks = clock.stop()
    ways = {"whole_rows": whole_rows, "in_blocks": in_blocks}
    return min(ways.values(), key=lambda times: times["cpu_seconds"]) | ways, items.numpy()


def faiss_search(gallery, queries, top):
    """The same by faiss, exhaustively."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    index = faiss.IndexFlatIP(gallery.shape[1])
    index.add(gallery)
    clock = Clock()
    _, items = index.search(queries, top)
    return clock.stop(), items


COLUMNS = 4096
SEARCH = {"torch": torch_search, "faiss": faiss_search}
PRODUCTS = {"numpy": numpy_products, "torch": torch_products}
BIAS = {
    "nnn-retrieval": nnn_bias,
    "torch": torch_bias,
    "torch bf16": torch_bf16_bias,
    "faiss": faiss_bias,
    "usearch": usearch_bias,
    "scann": scann_bias,
}
RANK = {"nnn-retrieval": nnn_rank, "faiss": faiss_rank}


def main():
    """bias PEER GALLERY BANK K OUT, products PEER GALLERY BANK K, rank PEER GALLERY QUERIES BIAS ALPHA, or search PEER GALLERY QUERIES
    TOP."""
    task, peer, gallery, other, *rest = sys.argv[1:]
    gallery, other = load(gallery), load(other)
    if task == "bias":
        k, out = rest
        times, bias = BIAS[peer](gallery, other, int(k))
        np.save(out, bias)
        result = times
    elif task == "products":
        result = PRODUCTS[peer](gallery, other, int(rest[0]))
    elif task == "search":
        times, items = SEARCH[peer](gallery, other, int(rest[0]))
        answers = np.minimum(np.arange(len(items)) // 5, len(gallery) - 1)
        result = times | {"hits": int((items[:, 0] == answers).sum())}
    else:
        bias, alpha = rest
        bias = np.load(bias).astype(np.float32)
        times, items = RANK[peer](gallery, other, bias, float(alpha))
        answers = np.minimum(np.arange(len(items)) // 5, len(gallery) - 1)
        hits = int((items == answers).sum())
        result = times | {"hits": hits}
    print(json.dumps(result | {"peak_mib": peak_mib()}))


if __name__ == "__main__":
    main()
