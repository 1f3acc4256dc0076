#!/usr/bin/env bash
# A GPU beside the processor, in two steps, as the machine with the GPU may have no compiler:
#
#   eval "$(tools/gpu/toolkit.sh target/cuda)"; export CUDA_COMPUTE_CAP=90
#   tools/gpu/measure.sh build FOLDER        # programs and checkpoints; needs tools/peers/requirements-encode.txt for the checkpoints
#   tools/gpu/measure.sh run FOLDER OUT      # where the GPU is: less than ten minutes, no network
#
# `run` writes to OUT: parity.log, the golden tests of all five families and of the passes on the GPU (tolerances are those of the CPU);
# encode.jsonl, milliseconds an item in f32 and bf16 on the GPU and on the processor; torch.jsonl, the same of PyTorch where it is there;
# passes.jsonl, seconds of NNN's bias pass at COCO's sizes on both, whose bits have to be equal.
#
# NOT RUN YET ON A GPU: none was at hand.
set -euo pipefail
step="${1:?usage: tools/gpu/measure.sh build FOLDER | run FOLDER OUT}"
folder="$(mkdir -p "$2" && cd "$2" && pwd)"
families=(albef beit3 blip clip siglip)
root="$(cd "$(dirname "$0")/../.." && pwd)"

build() {
    cd "$root"
    local packages=(-p nnn-gpu) features=nnn-gpu/cuda
    for family in "${families[@]}"; do
        packages+=(-p "encoder-$family")
        features+=",encoder-$family/cuda"
    done
    local programs
    programs="$(cargo test --release --no-run --message-format=json --features "$features" "${packages[@]}" --test golden --test passes |
        python3 -c 'import json, sys
for line in sys.stdin:
    line = json.loads(line)
    if line.get("executable") and line["target"]["kind"] == ["test"]:
        print(line["package_id"].split("/crates/")[1].split("#")[0], line["executable"])')"
    while read -r package program; do cp "$program" "$folder/test-$package"; done <<<"$programs"
    cargo build --release --features "$features" -p encoder-clip -p encoder-siglip -p nnn-gpu --examples
    cp target/release/examples/{clip_real_size,siglip_real_size,passes} "$folder/"
    cp -L "$CUDA_HOME"/lib/lib{cublas,cublasLt,curand,cudart,nvrtc,nvrtc-builtins}.so.* "$folder/" # as the machine may have others
    python3 tools/peers/encode.py checkpoints --folder "$folder/checkpoints"
}

run() {
    local out="$1" failed=0
    mkdir -p "$out"
    export LD_LIBRARY_PATH="$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    nvidia-smi --query-gpu=name,driver_version --format=csv,noheader >"$out/gpu.txt"
    for test in "$folder"/test-*; do
        NNN_TEST_DEVICE=cuda NNN_TEST_WORKSPACE="$root" "$test" >>"$out/parity.log" 2>&1 || failed=1
    done
    : >"$out/encode.jsonl"
    for device in cuda cpu; do
        for dtype in f32 bf16; do
            for model in clip-b32 siglip-b16 clip-l14; do
                program="$folder/${model%%-*}_real_size"
                times="$(NNN_TEST_DEVICE=$device "$program" batches "$folder/checkpoints/$model" $dtype 2 1 8 32 64)"
                echo "{\"device\": \"$device\", \"dtype\": \"$dtype\", \"model\": \"$model\", \"measured\": $times}" >>"$out/encode.jsonl"
            done
        done
    done
    if python3 -c 'import torch, transformers; assert torch.cuda.is_available()' 2>/dev/null; then
        python3 "$root/tools/gpu/torch_speed.py" "$folder/checkpoints" >"$out/torch.jsonl"
    else
        echo "no PyTorch with CUDA here" >"$out/torch.jsonl"
    fi
    "$folder/passes" 5000 566747 512 128 >"$out/passes.jsonl"
    "$folder/passes" 25010 113287 512 16 >>"$out/passes.jsonl"
    return $failed
}

case "$step" in
build) build ;;
run) run "${3:?where the figures go}" ;;
*) echo "expected build or run, got $step" >&2 && exit 2 ;;
esac
