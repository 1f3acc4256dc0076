"""Recall from published matrices of similarities, by the protocols of QB-Norm and DBNorm: golden files for the runner's tests.

Python 3.11 with numpy 2.4.6. Run at the root of the repository:

    python tools/reference/similarity_goldens.py crates/runner/tests/golden/similarity

Both projects publish no vectors but matrices: of the test captions and the test videos (several captions a video, some missing
under a mask), and of the training captions and the test videos. A caption finds its video; a video finds the best placed of its
captions. Everything here is float64 from the formulas of the papers (arXiv 2112.12777, 2310.11612, 2410.24114), with a pass over
whole matrices that shares nothing with the project.

t2i.npy         (videos * captions, videos) float32, caption by caption of the first video, then of the second
mask.npy        (videos, captions) bool
train.npz       `first` and `second`: training captions by test videos, in two blocks
videos.npy      training videos by test videos, a gallery bank for t2i
captions.npy    training videos by test captions, the query bank for i2t
expected.json   R@1, R@5 and MedR of every method and direction
"""

import json
import sys
from pathlib import Path

import numpy as np

VIDEOS, CAPTIONS, TRAIN, DIM = 30, 4, 90, 6


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def log_mean(bank, beta):
    return np.log(np.exp(beta * bank).mean(axis=0))


def active(scores, bank):
    return np.isin(scores.argmax(axis=1), np.unique(bank.argmax(axis=1)))[:, None]


def corrected(scores, query_bank, gallery_bank):
    top = np.sort(query_bank, axis=0)[::-1]
    inverted = scores - log_mean(query_bank, 20.0) / 20.0
    found = {
        "raw": scores,
        "nnn": scores - 0.75 * top[:8].mean(axis=0),
        "csls": 2 * scores - top[:10].mean(axis=0),
        "is": inverted,
        "dis": np.where(active(scores, query_bank), inverted, scores),
    }
    if gallery_bank is not None:
        both = log_mean(gallery_bank, 3.0) + log_mean(query_bank, 20.0)
        found["dualis"] = scores - both / 23.0
    return found


def measures(scores, relevant):
    """The rank of the best placed relevant item of every query."""
    best = np.where(relevant, scores, -np.inf).max(axis=1, keepdims=True)
    ranks = 1 + ((scores > best) & ~relevant).sum(axis=1)
    return {"R@1": (ranks <= 1).mean(), "R@5": (ranks <= 5).mean(), "MedR": float(np.median(ranks))}


def main():
    random = np.random.default_rng(20220313)
    topics = unit(random.normal(size=(VIDEOS, DIM)) + 0.4)
    videos = unit(topics + 0.25 * random.normal(size=topics.shape))
    captions = unit(np.repeat(topics, CAPTIONS, axis=0) + 0.45 * random.normal(size=(VIDEOS * CAPTIONS, DIM)))
    train = unit(random.normal(size=(TRAIN, DIM)) + 0.4)
    train_captions = unit(train + 0.45 * random.normal(size=train.shape))
    train_videos = unit(train + 0.25 * random.normal(size=train.shape))
    mask = random.random((VIDEOS, CAPTIONS)) > 0.2
    mask[:, 0] = True
    files = {
        "t2i": captions @ videos.T,
        "train": train_captions @ videos.T,
        "videos": train_videos[:50] @ videos.T,
        "captions": train_videos @ captions.T,
    }
    files = {name: matrix.astype(np.float32) for name, matrix in files.items()}
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("t2i", "videos", "captions"):
        np.save(folder / f"{name}.npy", files[name])
    np.save(folder / "mask.npy", mask)
    np.savez(folder / "train.npz", first=files["train"][:35], second=files["train"][35:])
    wide = {name: matrix.astype(np.float64) for name, matrix in files.items()}
    kept = mask.ravel()
    owner = np.repeat(np.arange(VIDEOS), CAPTIONS)[kept]
    relevant = owner[:, None] == np.arange(VIDEOS)
    text = corrected(wide["t2i"][kept], wide["train"], wide["videos"])
    video = corrected(wide["t2i"][kept].T, wide["captions"][:, kept], None)
    expected = {
        "t2i": {method: measures(scores, relevant) for method, scores in text.items()},
        "i2t": {method: measures(scores, relevant.T) for method, scores in video.items()},
    }
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
