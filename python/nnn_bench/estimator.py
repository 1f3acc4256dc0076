"""A scikit-learn estimator: learns a correction for a gallery, augments items and queries, and finds corrected neighbours.

Needs scikit-learn 1.6 or newer (`pip install "nnn-bench[sklearn]"`).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from . import Bank, Form, augment, augment_queries, bias, export, methods, rank

__all__ = ["HubnessCorrector"]

# Both are taken as they are: what is exact in f64 is rounded once, where rows are brought to unit length.
FLOATS = (np.float64, np.float32)


class HubnessCorrector(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Corrects hubness in the neighbours of queries among the items of a gallery.

    `fit` takes the items and a bank of reference queries. Afterwards the best item of a query is the one with the largest corrected
    score: `kneighbors` finds them, exactly. `transform` and `transform_queries` append a coordinate or two to items and queries, with
    which any index of nearest neighbours ranks in the same way: by inner product, Euclidean distance or cosine, as `form` says.

    Items and queries are brought to unit length, so that scores are cosines.

    Parameters
    ----------
    method : str, default="nnn"
        A name or a signature of an additive or a vector-moving method: `"csls"`, `"nnn(k=16,alpha=0.5)"`. `nnn_bench.methods()` lists
        them. Gated and rescaling methods are refused by `fit`: no vector of an item can hold what they do.
    params : dict, default=None
        Parameters of the method by name, such as `{"k": 16, "alpha": 0.5}`. Those left out have their defaults.
    form : {"ip", "l2", "cosine"} or Form, default="ip"
        What the index ranks by: the largest inner product, the smallest Euclidean distance or the largest cosine. A name stands for
        the constants that suit the biases of the fit; a `Form` has its own.
    n_neighbors : int, default=5
        How many neighbours `kneighbors` finds where it is not told.
    threads : int, default=None
        Threads to work with; None for one on every core. They change no bit of a result.

    Attributes
    ----------
    bias_ : ndarray of shape (n_items,), float32
        What is subtracted from the score of each item. Absent where the method moves vectors.
    form_ : Form
        The form with its constants. Absent where the method moves vectors.
    n_features_in_ : int
        Coordinates of an item.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `fit` got any.

    Notes
    -----
    Without a bank the items are their own: `fit(X)` corrects for neighbours among items, as scikit-hubness does. Unlike there each item
    is then its own nearest reference, with a similarity of 1. `k` counts it, and `nnn(k=1)` corrects nothing. To leave it out, take
    `k + 1` in place of `k` and `alpha * (k + 1) / k` in place of `alpha`.

    Where it deviates from scikit-learn's conventions, with the reason:

    - Results are float32 whatever comes in, as all scores are. The tag `preserves_dtype` says so.
    - `fit` takes `bank` beside `X` and `y`. A pipeline hands it on as `fit(X, correct__bank=bank)`, `correct` being the step.
    - A parameter that the data do not allow, such as a `k` above the size of the bank, is an error and is not lowered. So the
      defaults of some methods need more rows than a small data set has.
    - A row of zeros has no direction and is an error. One of the checks of `check_estimator`, `check_estimators_dtypes`, fits such a
      row and therefore fails. All others are passed where the parameters fit their data (`tests/test_estimator.py`).

    Examples
    --------
    >>> import numpy as np
    >>> from nnn_bench import HubnessCorrector
    >>> random = np.random.default_rng(0)
    >>> gallery, bank, queries = (random.normal(size=(rows, 8)) for rows in (50, 40, 3))
    >>> corrector = HubnessCorrector("nnn", {"k": 8, "alpha": 0.75}).fit(gallery, bank=bank)
    >>> distances, items = corrector.kneighbors(queries)
    >>> scores = corrector.transform_queries(queries) @ corrector.transform(gallery).T
    >>> bool((items[:, 0] == scores.argmax(axis=1)).all())
    True
    """

    def __init__(self, method="nnn", params=None, form="ip", n_neighbors=5, threads=None):
        self.method = method
        self.params = params
        self.form = form
        self.n_neighbors = n_neighbors
        self.threads = threads

    def fit(self, X, y=None, *, bank=None):
        """Learns what is done to items.

        Parameters
        ----------
        X : array-like of shape (n_items, n_features)
            The gallery. Kept, not copied, for `kneighbors`.
        y : None
            Not read.
        bank : array-like of shape (n_references, n_features), or Bank, default=None
            Past queries, like those to come, or a `Bank` with a gallery bank for the methods that read two. None stands for `X`
            on both sides.

        Returns
        -------
        HubnessCorrector
            Itself.

        Raises
        ------
        ValueError
            No such method or parameter; a parameter beyond the bank; a method whose kind no vector can hold, with the reason.
        """
        X = validate_data(self, X, dtype=FLOATS)
        self._fit_X, self._bank = X, _as_bank(bank, X)
        # Of an earlier fit, with a method of another kind.
        for name in ("bias_", "form_", "_query_map"):
            vars(self).pop(name, None)
        fit = self._fit_moves if self._moves_vectors() else self._fit_biases
        self._n_features_out = fit(X)
        return self

    def _fit_biases(self, X):
        """Biases and the form that suits them; returns the coordinates of an augmented item."""
        self.bias_ = self._bias_of(X)
        self.form_ = Form.of(self.bias_, self.form) if isinstance(self.form, str) else self.form
        return X.shape[1] + len(self.form_.query_suffix)

    def _fit_moves(self, X):
        """What is done to queries; returns the coordinates of a moved item."""
        items, self._query_map = self._move(X)
        return items.shape[1]

    def fit_transform(self, X, y=None, *, bank=None):
        """`fit(X, bank=bank).transform(X)`, for the price of one pass over the bank.

        Returns
        -------
        ndarray of shape (n_items, n_features_out), float32
        """
        return self.fit(X, bank=bank)._vectors(self._fit_X)

    def transform(self, X):
        """Item vectors for an index of nearest neighbours: those of the fit, or new ones for the same index.

        Parameters
        ----------
        X : array-like of shape (n_items, n_features)
            Items.

        Returns
        -------
        ndarray of shape (n_items, n_features_out), float32
            In the `ip` form `[x, c (b - o)]`; `docs/serving.md` has all of them. Moved vectors where the method moves them.

        Raises
        ------
        ValueError
            New items where the method corrects the gallery as a whole (`sn`, `dbsn`, `invgc`), or where a bias has no place in the
            constants of the `l2` or the `cosine` form.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=FLOATS, reset=False)
        return self._vectors(X)

    def transform_queries(self, X):
        """Query vectors for an index of what `transform` returned.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Queries.

        Returns
        -------
        ndarray of shape (n_queries, n_features_out), float32
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=FLOATS, reset=False)
        return augment_queries(X, self.form_) if hasattr(self, "form_") else self._query_map.apply(X)

    def kneighbors(self, X, n_neighbors=None, return_distance=True):
        """The items of the fit with the largest corrected scores, exactly.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Queries.
        n_neighbors : int, default=None
            How many items each gets; None for those of the constructor.
        return_distance : bool, default=True
            Whether distances are returned, too.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), float32
            `1 - score`, ascending: with `method="raw"` the cosine distance. Corrected ones may be negative.
        items : ndarray of shape (n_queries, n_neighbors), int64
            Rows of the gallery. Of equal scores the lower row comes first.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=FLOATS, reset=False)
        count = self.n_neighbors if n_neighbors is None else n_neighbors
        items, scores = rank(X, self._fit_X, count, scores=True, threads=self.threads, **self._correction())
        return (1 - scores, items) if return_distance else items

    def _correction(self) -> dict[str, Any]:
        """The correction, as `rank` takes it."""
        if hasattr(self, "bias_"):
            return {"bias": self.bias_}
        return {"method": self._signature(), "bank": self._bank}

    def _vectors(self, X):
        """Items as an index takes them."""
        known = X is self._fit_X or np.array_equal(X, self._fit_X)
        if not known and self._about()["whole_gallery"]:
            raise ValueError(
                f"X: what `{self._name()}` does to an item depends on all other items; expected the items of the fit, or fit anew"
            )
        if not hasattr(self, "bias_"):
            return self._move(X)[0]
        return augment(X, self.bias_ if known else self._bias_of(X), self.form_)

    def _bias_of(self, X):
        return bias(X, self._bank, self.method, threads=self.threads, **(self.params or {}))

    def _move(self, X):
        """Moved items, and what is done to queries. An export has both."""
        form = self.form if isinstance(self.form, str) else self.form.name
        with tempfile.TemporaryDirectory() as folder:
            options = {"method": self.method, "form": form, "to": "npy", "threads": self.threads}
            manifest = export(X, self._bank, folder, **options, **(self.params or {}))
            return np.load(Path(folder) / "items.npy"), _QueryMap.read(manifest["query_map"], Path(folder))

    def _name(self) -> str:
        return self.method.partition("(")[0].strip()

    def _about(self) -> dict[str, Any]:
        """What `methods` has of the method. Of a name that is not known nothing: whatever computes with it refuses it, with what is known."""
        return next((known for known in methods() if known["name"] == self._name()), {})

    def _moves_vectors(self) -> bool:
        return self._about().get("kind") == "vector-moving"

    def _signature(self) -> str:
        """The method with its parameters in one line: `k` is a parameter of `rank`, too."""
        if not self.params:
            return self.method
        written = ",".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.method}({written})"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class _QueryMap(NamedTuple):
    """What a vector-moving method does to queries: `(q - shift) matrix^T`, then unit length if `normalize`."""

    shift: np.ndarray | None
    matrix: np.ndarray | None
    normalize: bool

    @classmethod
    def read(cls, written: dict[str, Any], folder: Path) -> _QueryMap:
        """The map that an export wrote."""
        arrays = [np.load(folder / written[part]) if written.get(part) else None for part in ("shift", "matrix")]
        return cls(*arrays, written["normalize"])

    def apply(self, queries: np.ndarray) -> np.ndarray:
        """Moved queries, in f64 and rounded once."""
        moved = _unit(queries.astype(np.float64))
        if self.shift is not None:
            moved -= self.shift
        if self.matrix is not None:
            moved = moved @ self.matrix.T.astype(np.float64)
        return (_unit(moved) if self.normalize else moved).astype(np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length one; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)


def _as_bank(bank, X) -> Bank:
    if bank is None:
        return Bank(X, gallery=X)
    if isinstance(bank, Bank):
        return bank
    return Bank(check_array(bank, dtype=FLOATS, input_name="bank"))
