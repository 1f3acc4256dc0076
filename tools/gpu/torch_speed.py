"""PyTorch on a GPU, for `measure.sh`: milliseconds of the clock an item takes, by model, number type and batch size.

    python tools/gpu/torch_speed.py CHECKPOINTS

Weights and inputs are those that `tools/peers/encode.py checkpoints` wrote.
"""

import json
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModel

SECONDS, SIZES = 2, [1, 8, 32, 64]


def cost(call, items):
    """Milliseconds an item, over calls that take some time in all; the first ones are not counted."""
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    start, calls = time.monotonic(), 0
    while time.monotonic() - start < SECONDS:
        call()
        torch.cuda.synchronize()
        calls += 1
    return (time.monotonic() - start) * 1e3 / (calls * items)


def main():
    for name in ["clip-b32", "siglip-b16", "clip-l14"]:
        folder = Path(sys.argv[1]) / name
        inputs = load_file(folder / "inputs.safetensors")
        for dtype in [torch.float32, torch.bfloat16]:
            model = AutoModel.from_pretrained(folder, dtype=dtype).cuda().eval()
            side = model.config.vision_config.image_size
            images = inputs["images"].view(-1, 3, side, side).to("cuda", dtype)
            texts = inputs["texts"].to("cuda", torch.long)
            times = {}
            with torch.inference_mode():
                for size in SIZES:
                    times[size] = {
                        "images": cost(lambda: model.get_image_features(images[:size]), size),
                        "captions": cost(lambda: model.get_text_features(texts[:size]), size),
                    }
            print(json.dumps({"model": name, "dtype": str(dtype), "times": times}), flush=True)


main()
