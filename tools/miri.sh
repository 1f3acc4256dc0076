#!/usr/bin/env bash
# Runs under Miri what it was seen to run: `tools/miri.sh`, or parts by name: `tools/miri.sh files pickle core parallel`. PICKLE_TESTS,
# CORE_TESTS and PARALLEL_TESTS name other tests. docs/supply-chain.md has what that showed. It needs
# `rustup component add miri rust-src --toolchain nightly`; MIRI_TOOLCHAIN names another nightly.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/miri"
# Tests write files and read the clock. A property gets few cases, as each takes a thousand times longer here.
export MIRIFLAGS="-Zmiri-disable-isolation ${MIRIFLAGS:-}" PROPTEST_CASES="${PROPTEST_CASES:-2}"
miri() { cargo "+${MIRI_TOOLCHAIN:-nightly}" miri test "$@" -Zunstable-options --report-time; }

files() { miri -p nnn-files --lib --; }

pickle() { miri -p nnn-pickle --test pickle -- ${PICKLE_TESTS:-a_dictionary a_tensor archives compressed tensors_equal nothing_is_run opcodes stacks every_prefix}; }

# With AVX2 and FMA, whose instructions Miri knows, beside the portable kernels. It knows neither assembly nor all of AVX-512.
core_tests() {
    tools/core_alone.sh "$CARGO_TARGET_DIR/alone"
    (cd "$CARGO_TARGET_DIR/alone" && RUSTFLAGS="-Ctarget-feature=+avx2,+fma" miri -p nnn-core --lib -- "$@")
}

core() {
    local tests="kernel::ends::block kernel::ends::chains kernel::ends::near kernel::bytes::tiles order:: topk:: groups::"
    # shellcheck disable=SC2086
    core_tests ${CORE_TESTS:-$tests}
}

# What rayon runs on two threads. Its queues are crossbeam's, which turn numbers into pointers and follow no model of borrowing yet, so
# that borrows are not checked here, and its threads do not end. Bounds, values never written and races are. Miri would also vary the last
# bits of exponentials and logarithms from call to call, which no processor does.
parallel() {
    local tests="kernel::pack stats::bins::tests::a_temperature score::tests::single_pairs stats::potential::tests::rows_of"
    export MIRIFLAGS="$MIRIFLAGS -Zmiri-disable-stacked-borrows -Zmiri-permissive-provenance -Zmiri-ignore-leaks -Zmiri-deterministic-floats" RAYON_NUM_THREADS=2
    # shellcheck disable=SC2086
    core_tests ${PARALLEL_TESTS:-$tests}
}

[ $# -gt 0 ] || set -- files pickle core parallel
for part in "$@"; do "$part"; done
