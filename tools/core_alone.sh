#!/usr/bin/env bash
# tools/core_alone.sh FOLDER lays out nnn-core in FOLDER as a workspace of its own, with the sources and unit tests that it has here
# and without what its benches, examples and integration tests need (faer, gemm, criterion and others): hundreds of crates, which
# tools/miri.sh and tools/asan.sh would compile for nothing. Versions are those of Cargo.lock.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
mkdir -p "$1/crates/nnn-core"
sed 's|^members = .*|members = ["crates/nnn-core"]|; /^exclude/d; /^\[profile/,$d' "$here/Cargo.toml" >"$1/Cargo.toml"
# The workspace's tests run optimised where it counts, with overflow checks and debug assertions.
printf '[profile.dev]\nopt-level = 3\n' >>"$1/Cargo.toml"
cp "$here/Cargo.lock" "$here/rust-toolchain.toml" "$1"
sed '/^\(criterion\|faer\|gemm\|nnn-testkit\|npyz\|rand\|rand_chacha\)\b/d; /^\[\[bench/,/^$/d' \
    "$here/crates/nnn-core/Cargo.toml" >"$1/crates/nnn-core/Cargo.toml"
ln -sfn "$here/crates/nnn-core/src" "$1/crates/nnn-core/src"
