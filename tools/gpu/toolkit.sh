#!/usr/bin/env bash
# tools/gpu/toolkit.sh FOLDER: NVIDIA's compiler and libraries from PyPI (some 1.2 GB), laid out in FOLDER as candle's build looks for them.
# Needs Python, a C and a C++ compiler; no GPU. Prints what to build with:
#
#   eval "$(tools/gpu/toolkit.sh target/cuda)"
#   cargo build --release -p runner --features cuda
#
# Its nvcc compiled a kernel; the build of the runner with it has not been run yet. CUDA_COMPUTE_CAP says which card it is for (90: Hopper, 89: Ada, 86 and 80: Ampere); without it the one that is there is asked.
set -euo pipefail
folder="$(mkdir -p "$1" && cd "$1" && pwd)"
version=13.0

if [ ! -x "$folder/env/bin/python" ]; then
    python3 -m venv "$folder/env" >&2
fi
"$folder/env/bin/pip" install --quiet --disable-pip-version-check >&2 \
    "nvidia-cuda-nvcc==$version.*" "nvidia-cuda-crt==$version.*" "nvidia-nvvm==$version.*" "nvidia-cuda-runtime==$version.*" \
    "nvidia-cuda-cccl==$version.*" "nvidia-cuda-nvrtc==$version.*" "nvidia-cublas==$version.*" "nvidia-curand==10.4.*"
toolkit="$(echo "$folder"/env/lib/python3*/site-packages/nvidia/cu13)"

# Wheels have libraries under the names that programs load, not under those that a linker looks for.
for library in "$toolkit"/lib/*.so.*; do
    name="$(basename "$library")"
    ln -sfn "$name" "$toolkit/lib/${name%%.so.*}.so"
done
ln -sfn lib "$toolkit/lib64"

# The driver's library comes with the driver. Where there is none, one with its names and nothing behind them is linked against; it is not
# on the path of the program, which loads the machine's own.
mkdir -p "$toolkit/lib/stubs"
grep -oh '\bcu[A-Z][A-Za-z0-9_]*' "$toolkit/include/cuda.h" "$toolkit"/include/cuda*Typedefs.h | sort -u |
    sed 's/.*/void &(void) {}/' | cc -shared -fPIC -w -Wl,-soname,libcuda.so.1 -x c -o "$toolkit/lib/stubs/libcuda.so" -

cat <<END
export CUDA_HOME="$toolkit" CUDA_PATH="$toolkit" NVCC="$toolkit/bin/nvcc" PATH="$toolkit/bin:\$PATH"
export LIBRARY_PATH="$toolkit/lib:$toolkit/lib/stubs\${LIBRARY_PATH:+:\$LIBRARY_PATH}"
export LD_LIBRARY_PATH="$toolkit/lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
END
