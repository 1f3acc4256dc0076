"""Files that PyTorch writes, for nnn-pickle, each beside the tensors that it holds.

Run from the workspace's root with the packages of `requirements.txt`:

    python tools/reference/pickle_goldens.py

Everything is seeded. The archives' tensors come out equal at every run; their zip headers are PyTorch's own.
"""

import argparse
import collections
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parents[2] / "crates/nnn-pickle/tests/golden/pickles"


def tensors():
    """Every number type; views with offsets and strides; shared storages; no values, one value, no axes."""
    torch.manual_seed(7)
    base = torch.randn(6, 10)
    return {
        "f32": torch.randn(3, 5),
        "f16": torch.randn(4, 3).half(),
        "bf16": torch.randn(2, 7).bfloat16(),
        "f64": torch.randn(3).double(),
        "i64": torch.arange(8)[None] - 3,
        "i32": torch.arange(4, dtype=torch.int32),
        "i16": torch.arange(-2, 2, dtype=torch.int16),
        "u8": torch.arange(5, dtype=torch.uint8),
        "transposed": base.t(),
        "window": base[2:5, 3:9],
        "steps": base[::2, 1::3],
        "permuted": torch.randn(2, 3, 4).permute(2, 0, 1),
        "row": base[4],
        "scalar": torch.tensor(2.5),
        "one": torch.randn(1, 1, 1),
        "none": torch.zeros(0, 4),
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
    }


def layouts(content):
    """The same tensors as training scripts leave them."""
    module = torch.nn.Linear(3, 2)
    module.load_state_dict({"weight": torch.ones(2, 3), "bias": torch.zeros(2)})
    optimizer = torch.optim.AdamW(module.parameters())
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    settings = argparse.Namespace(lr=1e-4, drop=np.float64(0.1), name="x", sizes=(1, 2), best={1, 2})
    return {
        "plain": content,
        "ordered": collections.OrderedDict(content),
        "model": {
            "model": content,
            "optimizer": optimizer.state_dict(),
            "epoch": 12,
            "big": 1 << 80,
            "args": settings,
            "score": np.float32(0.5),
            "curve": np.arange(3.0),
        },
        "state_dict": {"epoch": 3, "name": "run", "state_dict": collections.OrderedDict(content), "ema": {"f32": base()}},
        "only": {"weights": content, "step": torch.Size([3, 4])},
    }


def base():
    return torch.ones(3, 5)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    content = tensors()
    save_file({name: it.detach().clone().contiguous() for name, it in content.items()}, FOLDER / "expected.safetensors")
    for name, layout in layouts(content).items():
        torch.save(layout, FOLDER / f"{name}.pth")
    # Sets have opcodes of their own from protocol 4 on, and so have names of globals.
    torch.save(layouts(content)["model"], FOLDER / "protocol-4.pth", pickle_protocol=4)
    torch.save(layouts(content)["model"], FOLDER / "stream.pth", _use_new_zipfile_serialization=False)
    module = torch.nn.Linear(3, 2)
    torch.save(module, FOLDER / "module.pth")


if __name__ == "__main__":
    main()
