"""Seeded vectors with hubs, for the measurements: some items are nearer to all queries than others are."""

from __future__ import annotations

import numpy as np


class World:
    """Clusters, and one direction that all queries share and that items have by chance: it makes the hubs."""

    def __init__(self, seed: int, dim: int, clusters: int = 512, noise: float = 4.0, hubs: float = 2.0) -> None:
        self.rng = np.random.default_rng(seed)
        self.centres = self.rng.standard_normal((clusters, dim), np.float32)
        self.shared = self.rng.standard_normal(dim, np.float32)
        self.shared /= np.linalg.norm(self.shared)
        self.noise, self.hubs = np.float32(noise), np.float32(hubs)

    def _contents(self, rows: int) -> np.ndarray:
        chosen = self.rng.integers(0, len(self.centres), rows)
        return self.centres[chosen] + self.rng.standard_normal((rows, self.centres.shape[1]), np.float32)

    def _asked(self, contents: np.ndarray) -> np.ndarray:
        """Queries for contents: far off, and all along the shared direction."""
        drawn = self.rng.standard_normal(contents.shape, np.float32)
        return contents + self.noise * drawn + 10 * self.hubs * self.shared

    def items(self, rows: int) -> np.ndarray:
        """Items, of f32."""
        self.last = self._contents(rows)
        return self.last + self.hubs * self.rng.standard_normal((rows, 1), np.float32) * self.shared

    def queries(self, asked: np.ndarray) -> np.ndarray:
        """A query for each of some of the last items."""
        return self._asked(self.last[asked])

    def bank(self, rows: int) -> np.ndarray:
        """Queries for other items."""
        return self._asked(self._contents(rows))


def unit(rows: np.ndarray) -> np.ndarray:
    """Of length one, such that `nnn_bench` uses the rows where they lie."""
    wide = rows.astype(np.float64)
    return (wide / np.sqrt((wide**2).sum(axis=1, keepdims=True))).astype(np.float32)
