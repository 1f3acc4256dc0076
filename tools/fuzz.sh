#!/usr/bin/env bash
# Fuzzes every target for so many minutes: `tools/fuzz.sh MINUTES [TARGET...]`. Needs `cargo install cargo-fuzz --locked`, which works
# with the pinned stable toolchain, and Python for the seeds. NNN_FUZZ_JOBS targets run at a time (1 unless said).
#
# Seeds and the committed corpus are where it begins; what it finds on the way stays in fuzz/corpus, inputs that fail in fuzz/artifacts.
# At the end a line for each target: executions, seconds (also of a core, as several share one), features covered, inputs kept, failures.
# `NNN_FUZZ_MINIMIZE=1` then packs few inputs with the same coverage into fuzz/corpus-minimized, as far as they are small.
set -uo pipefail
cd "$(dirname "$0")/.."
minutes="${1:?usage: tools/fuzz.sh MINUTES [TARGET...]}"
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(ls fuzz/fuzz_targets | sed 's/\.rs$//')

export RUSTC_BOOTSTRAP=1 # the sanitizer is not stable
export ASAN_OPTIONS=detect_odr_violation=0:allocator_may_return_null=1
# Inputs become files; a file system in memory spares the disk.
[ -d /dev/shm ] && export TMPDIR=/dev/shm

host="$(rustc -vV | sed -n 's/^host: //p')"
cp Cargo.lock fuzz/Cargo.lock # the versions that the workspace has
cargo fuzz build -s address -O -a || exit 1
python3 fuzz/seeds.py fuzz/seeds || exit 1

fuzz_one() {
    local target=$1 logs=fuzz/logs/$1.log
    local packed=fuzz/corpus-minimized/$target.tar.gz
    mkdir -p "fuzz/corpus/$target" fuzz/artifacts/"$target" fuzz/logs
    [ ! -f "$packed" ] || tar -xzf "$packed" -C "fuzz/corpus/$target"
    local folders=("fuzz/corpus/$target")
    [ ! -d "fuzz/seeds/$target" ] || folders+=("fuzz/seeds/$target")
    # Until the time is over, since the fuzzer ends at the first failure.
    local end=$((SECONDS + minutes * 60))
    : >"$logs"
    local TIMEFORMAT='stat::processor_seconds: %U %S'
    while [ $SECONDS -lt $end ]; do
        { time "fuzz/target/$host/release/$target" "${folders[@]}" -artifact_prefix="fuzz/artifacts/$target/" \
            -max_total_time=$((end - SECONDS)) -timeout=10 -rss_limit_mb=3072 -malloc_limit_mb=2048 -max_len=65600 \
            -print_final_stats=1 -use_value_profile=1; } >>"$logs" 2>&1
    done
    python3 fuzz/figures.py "$target" "$logs" $((minutes * 60))
}
export -f fuzz_one
export minutes host
printf '%s\n' "${targets[@]}" | xargs -P "${NNN_FUZZ_JOBS:-1}" -I{} bash -c 'fuzz_one {}'

minimize() {
    local target=$1 all=fuzz/corpus/$1 few
    few="$(mktemp -d)"
    "fuzz/target/$host/release/$target" -set_cover_merge=1 -timeout=20 -rss_limit_mb=3072 "$few" "$all" >"fuzz/logs/$target-merge.log" 2>&1
    find "$few" -type f -size +2k -delete
    # Sorted and without times, so that the same inputs are the same bytes.
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$few" -cf - . | gzip -n9 >"fuzz/corpus-minimized/$target.tar.gz"
    echo "$target: $(find "$few" -type f | wc -l) of $(find "$all" -type f | wc -l) inputs"
    rm -r "$few"
}
if [ "${NNN_FUZZ_MINIMIZE:-}" = 1 ]; then
    mkdir -p fuzz/corpus-minimized
    for target in "${targets[@]}"; do minimize "$target"; done
fi
