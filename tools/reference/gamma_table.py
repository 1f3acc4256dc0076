"""The coefficients of crates/method-scaling/src/gamma/table.rs: Temme's uniform expansion of the incomplete gamma function.

Python 3.11 and no packages. Run at the root of the repository:

    python tools/reference/gamma_table.py crates/method-scaling/src/gamma/table.rs

With lambda = x / a, mu = lambda - 1 and eta^2 / 2 = mu - ln(1 + mu) (DLMF 8.12.1), Q(a, x) is erfc(eta sqrt(a / 2)) / 2 +
exp(-a eta^2 / 2) / sqrt(2 pi a) sum_k c_k(eta) a^-k, where c_0 = 1 / mu - 1 / eta and c_k = c_{k-1}' / eta + (-1)^k g_k / mu with the
coefficients g_k of Stirling's series (DLMF 8.12.10 and 8.12.11). All are exact fractions here and are rounded once.
"""

import sys
from fractions import Fraction
from pathlib import Path

ORDERS, TERMS = 8, 22


def mu_of_eta(count):
    """a_1.. of mu = sum a_n eta^n, from mu mu' = eta (1 + mu)."""
    a = [Fraction(0), Fraction(1)]
    for n in range(2, count):
        # The coefficient of eta^n: the terms with a_n are (n + 1) a_1 a_n.
        known = sum(a[i] * a[n + 1 - i] * (n + 1 - i) for i in range(2, n))
        a.append((a[n - 1] - known) / (n + 1))
    return a


def one_over(series):
    """1 / s of a series with s_0 = 1."""
    inverse = [Fraction(1)]
    for n in range(1, len(series)):
        inverse.append(-sum(series[i] * inverse[n - i] for i in range(1, n + 1)))
    return inverse


def table():
    count = TERMS + 2 * ORDERS + 3
    # 1 / mu = (1 / eta) / (1 + a_2 eta + ...), so that the rest behind 1 / eta is a power series.
    first = one_over(mu_of_eta(count)[1:])[1:]
    rows, previous = [first], first
    for k in range(1, ORDERS):
        # No pole is left at eta = 0, which says what (-1)^k g_k is.
        g = -previous[1]
        size = len(previous) - 2
        previous = [(n + 2) * previous[n + 2] + g * first[n] for n in range(size)]
        rows.append(previous)
    return [row[:TERMS] for row in rows]


def main(path):
    lines = [
        "//! Made by `tools/reference/gamma_table.py`, exact fractions rounded once.",
        "",
        "/// `c_k(eta) = sum_n TABLE[k][n] eta^n` of Temme's expansion.",
        f"pub(super) const TABLE: [[f64; {TERMS}]; {ORDERS}] = [",
    ]
    for row in table():
        lines += ["    ["] + [f"        {float(value)!r}," for value in row] + ["    ],"]
    Path(path).write_text("\n".join(lines + ["];", ""]))


if __name__ == "__main__":
    main(sys.argv[1])
