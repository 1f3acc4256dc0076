"""Corrections of hubness in contrastive retrieval: biases, rankings, their evaluation, and vectors for search engines.

Everything takes arrays of any library, scales rows to unit length, and has the bits of the command line.

=========================  ================================================================
`bias`, `Bank`, `methods`  a number for every item, learned from a bank
`rank`, `hubness`          the best items of every query, and how evenly they are shared
`evaluate`, `choose`       metrics with intervals; parameters on held-out items
`sweep`, `Trial`           many methods and trials at once
`augment`, `Form`          vectors by which an index ranks as the correction does
`export`                   the same as files, with what each engine is asked
`HubnessCorrector`         all of it as an estimator of scikit-learn (needs it installed)
`Partial`, `Shard`         what clusters are built on: banks and galleries in parts
=========================  ================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._core import (
    Bank,
    Counts,
    Form,
    Partial,
    Shard,
    Table,
    Thresholds,
    Trial,
    __version__,
    augment,
    augment_queries,
    bias,
    export,
    hubness,
    methods,
    rank,
)
from ._sweep import Choice, Sweep, choose, evaluate, sweep

if TYPE_CHECKING:
    from .estimator import HubnessCorrector

__all__ = [
    "Bank",
    "Choice",
    "Counts",
    "Form",
    "Partial",
    "Shard",
    "Sweep",
    "Table",
    "Thresholds",
    "Trial",
    "__version__",
    "augment",
    "augment_queries",
    "bias",
    "choose",
    "evaluate",
    "export",
    "hubness",
    "methods",
    "rank",
    "sweep",
]


def __getattr__(name: str) -> Any:
    # scikit-learn is imported by those who ask for its estimator, and needed by nobody else.
    if name == "HubnessCorrector":
        from .estimator import HubnessCorrector

        return HubnessCorrector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
