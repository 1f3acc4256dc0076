from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from typing import Any, ClassVar, Literal, Protocol, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Bank",
    "Counts",
    "Form",
    "Partial",
    "Shard",
    "Table",
    "Thresholds",
    "Trial",
    "__version__",
    "_choose",
    "_run_trial",
    "augment",
    "augment_queries",
    "bias",
    "export",
    "hubness",
    "methods",
    "rank",
]
__version__: str

class _Dlpack(Protocol):
    def __dlpack__(self, **kwargs: Any) -> Any: ...

# Arrays of any library.
_Array = ArrayLike | _Dlpack
_Bank = Bank | _Array
_FormName = Literal["ip", "l2", "cosine"]
_Format = Literal["parquet", "npy", "fvecs", "jsonl", "pgcopy"]
_Ties = Literal["index", "optimistic", "average", "trec_eval"]
# Makes a bar with `update(n)` and `close()`, such as tqdm.
_Progress = Callable[..., Any]
_Items = NDArray[np.int64]
_Floats = NDArray[np.float32]

def methods() -> list[dict[str, Any]]: ...

@final
class Bank:
    def __new__(cls, reference: _Array | None = None, *, gallery: _Array | None = None) -> Bank: ...
    def __len__(self) -> int: ...
    @property
    def dim(self) -> int: ...
    @property
    def gallery_len(self) -> int: ...

def bias(
    gallery: _Array,
    bank: _Bank,
    method: str = "nnn",
    *,
    threads: int | None = None,
    progress: _Progress | None = None,
    **params: float,
) -> _Floats: ...
@overload
def rank(
    queries: _Array,
    gallery: _Array,
    k: int = 10,
    *,
    method: str = "raw",
    bank: _Bank | None = None,
    bias: _Array | None = None,
    scores: Literal[False] = False,
    threads: int | None = None,
    progress: _Progress | None = None,
    **params: float,
) -> _Items: ...
@overload
def rank(
    queries: _Array,
    gallery: _Array,
    k: int = 10,
    *,
    method: str = "raw",
    bank: _Bank | None = None,
    bias: _Array | None = None,
    scores: Literal[True],
    threads: int | None = None,
    progress: _Progress | None = None,
    **params: float,
) -> tuple[_Items, _Floats]: ...
def hubness(
    queries: _Array,
    gallery: _Array,
    k: int = 10,
    *,
    method: str = "raw",
    bank: _Bank | None = None,
    bias: _Array | None = None,
    threads: int | None = None,
    progress: _Progress | None = None,
    **params: float,
) -> dict[str, Any]: ...

@final
class Form:
    def __new__(cls, name: _FormName, scale: float = 1.0, offset: float = 0.0, reach: float | None = None) -> Form: ...
    @staticmethod
    def of(b: _Array, name: _FormName = "ip", *, scale: float | None = None) -> Form: ...
    @property
    def name(self) -> _FormName: ...
    @property
    def scale(self) -> float: ...
    @property
    def offset(self) -> float: ...
    @property
    def reach(self) -> float | None: ...
    @property
    def length(self) -> float | None: ...
    @property
    def extra(self) -> int: ...
    @property
    def query_suffix(self) -> _Floats: ...
    def __eq__(self, other: object, /) -> bool: ...

def augment(x: _Array, b: _Array, form: Form | _FormName = "ip") -> _Floats: ...
def augment_queries(q: _Array, form: Form | _FormName = "ip") -> _Floats: ...
def export(
    gallery: _Array,
    bias_or_bank: _Bank,
    out: str | PathLike[str],
    *,
    method: str | None = None,
    form: Form | _FormName = "ip",
    to: _Format = "npy",
    ids: Iterable[str | int] | None = None,
    scale: float | None = None,
    threads: int | None = None,
    progress: _Progress | None = None,
    **params: float,
) -> dict[str, Any]: ...

@final
class Partial:
    CHUNK: ClassVar[int]
    @staticmethod
    def collect(
        items: _Array,
        part: _Array,
        first: int,
        total: int,
        method: str = "nnn",
        *,
        bank: Literal["query", "gallery"] = "query",
        threads: int | None = None,
        progress: _Progress | None = None,
        **params: float,
    ) -> Partial: ...
    def merge(self, other: Partial) -> Partial: ...
    def to_bytes(self) -> bytes: ...
    @staticmethod
    def from_bytes(b: bytes) -> Partial: ...
    def bias(self, items: _Array, method: str = "nnn", **params: float) -> _Floats: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class Shard:
    def __new__(
        cls,
        queries: _Array,
        items: _Array,
        first: int,
        relevance: Any,
        gallery_len: int,
        biases: Iterable[_Array],
        *,
        k: int = 10,
        all_relevant: bool = True,
        ties: _Ties = "index",
    ) -> Shard: ...
    def thresholds(self, *, threads: int | None = None) -> Thresholds: ...
    def count(
        self, thresholds: Thresholds, *, threads: int | None = None, progress: _Progress | None = None
    ) -> Counts: ...

@final
class Thresholds:
    def merge(self, other: Thresholds) -> Thresholds: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class Counts:
    def merge(self, other: Counts) -> Counts: ...
    def metrics(
        self, relevance: Any, metrics: Sequence[str] = ("R@1", "R@5", "R@10")
    ) -> list[dict[str, float]]: ...
    def ranks(self, relevance: Any) -> list[NDArray[np.float64]]: ...
    def top(self, relevance: Any) -> list[_Items]: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class Table:
    @property
    def columns(self) -> list[str]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, name: str, /) -> list[Any]: ...
    def rows(self) -> list[dict[str, Any]]: ...
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...
    @staticmethod
    def _joined(column: str, tables: Sequence[tuple[str, Table]]) -> Table: ...

@final
class Trial:
    def __new__(
        cls,
        queries: _Array,
        gallery: _Array,
        relevance: Any,
        bank: _Bank | None = None,
        *,
        validation: tuple[_Array, _Array, Any] | None = None,
        clusters: Iterable[Any] | None = None,
    ) -> Trial: ...

def _run_trial(
    trial: Trial,
    methods: Sequence[tuple[str, dict[str, Any]]],
    wanted: dict[str, Any],
    *,
    threads: int | None = None,
    progress: _Progress | None = None,
) -> tuple[Table, Table, Table, Table]: ...
def _choose(
    trial: Trial,
    method: str,
    grid: dict[str, Any],
    wanted: dict[str, Any],
    *,
    threads: int | None = None,
    progress: _Progress | None = None,
) -> tuple[str, dict[str, float], float, Table]: ...
