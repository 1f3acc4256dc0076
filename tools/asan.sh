#!/usr/bin/env bash
# Runs the unit tests of nnn-core under the address sanitizer: `tools/asan.sh`, or some of them by name: `tools/asan.sh kernel::`.
# docs/supply-chain.md says what that shows. The compiler of rust-toolchain.toml does it, told that it may.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-$PWD/target}/asan"
tools/core_alone.sh "$target/alone"
cd "$target/alone"
export CARGO_TARGET_DIR="$target" RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address"
cargo test -p nnn-core --lib --target x86_64-unknown-linux-gnu -- "$@"
