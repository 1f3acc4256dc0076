"""What callers hand over, as NumPy arrays, without importing the libraries that it comes from."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

# The devices of DLPack whose memory the host reads: the host's own, and such that a GPU may read, too.
_HOST = (1, 3)

_INTEGERS = (int, np.integer)


def as_array(value: Any, name: str, *dims: int) -> np.ndarray:
    """An array of floats in the machine's byte order, of one of the numbers of dimensions `dims`.

    Nothing is copied that NumPy can read where it lies: its own arrays, and those of other libraries on the host through
    `__dlpack__` or `__array__`. What lies on a device is copied to the host.

    Parameters
    ----------
    value
        An array of any library, or nested lists of numbers.
    name
        The argument's name, for messages.
    *dims
        Numbers of dimensions that are allowed.

    Raises
    ------
    TypeError
        It is no array of numbers.
    ValueError
        It has another number of dimensions.
    """
    array = _numbers(_on_host(value, name), value, name)
    if array.ndim not in dims:
        words = {1: "one dimension (items,)", 2: "two dimensions (items, dim)"}
        expected = " or ".join(words[dim] for dim in dims)
        raise ValueError(f"{name}: has the shape {array.shape}, expected {expected}")
    return array


def _on_host(value: Any, name: str) -> np.ndarray:
    """Any array as one of NumPy, of any type."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name}: is a masked array, expected one that has every value; fill it")
    if isinstance(value, np.ndarray):
        return value
    # A tensor of torch that records gradients hands nothing over, nor does one on a device.
    for step in ("detach", "cpu"):
        if hasattr(value, "__dlpack__") and callable(getattr(value, step, None)):
            value = getattr(value, step)()
    # An array of cupy is never copied to the host behind one's back.
    if hasattr(value, "__cuda_array_interface__") and callable(getattr(value, "get", None)):
        value = value.get()
    shared = _shared(value)
    if shared is not None:
        return shared
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name}: expected an array of numbers, got {_kind(value)}: {error}") from error


def _shared(value: Any) -> np.ndarray | None:
    """An array of another library where it lies, if that is on the host and in a type that NumPy has."""
    if not hasattr(value, "__dlpack__") or not hasattr(value, "__dlpack_device__"):
        return None
    try:
        if value.__dlpack_device__()[0] not in _HOST:
            return None
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError, AttributeError, ValueError):
        # Such as bfloat16, which NumPy has not; `__array__` or `float()` may do.
        is_tensor = type(value).__module__.split(".")[0] == "torch"
        return np.asarray(value.float()) if is_tensor else None


def _numbers(array: np.ndarray, value: Any, name: str) -> np.ndarray:
    """The same in a type that is read where it lies, if need be as a copy."""
    kind = array.dtype
    is_bfloat = kind.name == "bfloat16" or kind.name.startswith("float8")
    if is_bfloat:
        return array.astype(np.float32)
    if kind.kind in "iu":
        return array.astype(np.float64)
    if kind.kind != "f":
        raise TypeError(f"{name}: expected an array of numbers, got {_kind(value)} of type {kind}")
    if kind.itemsize > 8:
        return array.astype(np.float64)
    if not kind.isnative or not array.flags.aligned:
        return array.astype(kind.newbyteorder("="))
    return array


def _kind(value: Any) -> str:
    kind = type(value)
    module = kind.__module__.split(".")[0]
    return kind.__name__ if module == "builtins" else f"{module}.{kind.__name__}"


def as_relevance(value: Any, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """What answers each query, as lists one after the other.

    Parameters
    ----------
    value
        For every query the gallery items that answer it, in one of these forms:

        - integers `(queries,)`: one item each;
        - integers `(queries, n)`: `n` items each;
        - a list of lists of items;
        - a list of dicts from items to grades, which say how relevant an item is: relevant above 0;
        - a sparse matrix `(queries, gallery)` of grades, as those of SciPy.
    name
        The argument's name, for messages.

    Returns
    -------
    starts : int64 (queries + 1,)
        Where the items of each query begin.
    items : int64
    grades : float64 or None
        One for each item; None where none are given.

    Raises
    ------
    TypeError
        It is in none of these forms.
    """
    if hasattr(value, "tocsr"):
        sparse = value.tocsr()
        return (
            np.asarray(sparse.indptr, dtype=np.int64),
            np.asarray(sparse.indices, dtype=np.int64),
            np.asarray(sparse.data, dtype=np.float64),
        )
    if hasattr(value, "__array__") or hasattr(value, "__dlpack__"):
        return _of_array(_on_host(value, name), value, name)
    lists = list(value)
    if all(isinstance(one, _INTEGERS) for one in lists):
        return _of_array(np.asarray(lists, dtype=np.int64).reshape(len(lists)), value, name)
    return _of_lists(lists, name)


def _of_array(array: np.ndarray, value: Any, name: str) -> tuple[np.ndarray, np.ndarray, None]:
    if array.dtype == object and array.ndim == 1:
        return _of_lists(list(array), name)  # type: ignore[return-value]
    if array.dtype.kind not in "iu" or array.ndim not in (1, 2):
        raise TypeError(
            f"{name}: expected integers (queries,) or (queries, n), got {_kind(value)} of type {array.dtype} and shape "
            f"{array.shape}"
        )
    each = 1 if array.ndim == 1 else array.shape[1]
    starts = np.arange(len(array) + 1, dtype=np.int64) * each
    return starts, np.ascontiguousarray(array, dtype=np.int64).reshape(-1), None


def _of_lists(lists: list[Any], name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    graded = [isinstance(one, dict) for one in lists]
    if any(graded) and not all(graded):
        query = graded.index(not graded[0])
        raise TypeError(f"{name}: query {query} has {_kind(lists[query])}, but query 0 has {_kind(lists[0])}")
    try:
        starts = np.cumsum([0, *map(len, lists)], dtype=np.int64)
        flat = list(chain.from_iterable(lists))
        items = np.fromiter((one.__index__() for one in flat), dtype=np.int64, count=len(flat))
        if not (lists and graded[0]):
            return starts, items, None
        values = chain.from_iterable(one.values() for one in lists)
        return starts, items, np.fromiter(values, dtype=np.float64, count=len(flat))
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TypeError(
            f"{name}: expected for each query an item, a list of items or a dict of items and grades: {error}"
        ) from error


def as_ids(value: Any, name: str) -> list[str]:
    """Ids of items as texts: they are texts or integers."""
    ids = list(value.tolist() if hasattr(value, "tolist") else value)
    for row, one in enumerate(ids):
        if not isinstance(one, (str, *_INTEGERS)):
            raise TypeError(f"{name}: row {row} is {one!r}, expected a text or an integer")
    return [str(one) for one in ids]


def as_clusters(value: Any, name: str) -> list[int]:
    """Which cluster each query is of, as numbers in the order in which clusters appear; labels may be anything that a dict takes.

    Raises
    ------
    TypeError
        A label cannot be told from others.
    """
    labels = list(value.tolist() if hasattr(value, "tolist") else value)
    numbers: dict[Any, int] = {}
    try:
        return [numbers.setdefault(label, len(numbers)) for label in labels]
    except TypeError as error:
        raise TypeError(f"{name}: expected a label for each query: {error}") from error
