"""Checkpoints of real size with random weights: parity and speed of the Rust encoders beside PyTorch.

Run from the workspace's root with the packages of `requirements.txt`, after
`cargo build --release -p encoder-clip -p encoder-siglip --examples`:

    python tools/reference/real_size.py checkpoints --folder DIR  # once, 2 GB: CLIP ViT-B/32 and B/16, SigLIP B/16
    python tools/reference/real_size.py parity --folder DIR       # embeddings and top-10 lists of test images and texts
    python tools/reference/real_size.py speed --folder DIR        # items a second on two threads, rounds interleaved

Weights are drawn so that features differ from item to item; `parity` prints their spread. Tokenizers are the tiny ones
of the other scripts inside vocabularies of full size.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import time
import warnings
from pathlib import Path

import clip_goldens
import siglip_goldens
import torch
from safetensors.torch import load_file
from transformers import CLIPConfig, CLIPModel, SiglipConfig, SiglipModel

THREADS = 2
MODELS = {"clip-b32": "encoder-clip", "clip-b16": "encoder-clip", "siglip-b16": "encoder-siglip"}


def draw(model, seed):
    """Matrices that keep the size of what passes through, and nothing at its neutral value."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, value in sorted(model.named_parameters()):
            if "embedding" in name and "patch" not in name:
                value.copy_(torch.randn(value.shape))
            elif value.dim() > 1:
                value.copy_(torch.randn(value.shape) / value[0].numel() ** 0.5)
            elif value.dim() == 1 and value.numel() > 1:
                neutral = float("norm" in name and name.endswith("weight"))
                value.copy_(torch.randn(value.shape) * 0.1 + neutral)
    return model.eval()


def clip(folder, patch):
    vocabulary, merges = clip_goldens.tiny_vocabulary()
    text = dict(bos_token_id=len(vocabulary) - 2, eos_token_id=len(vocabulary) - 1)
    config = CLIPConfig(text_config=text, vision_config=dict(patch_size=patch), projection_dim=512)
    draw(CLIPModel(config), patch).save_pretrained(folder)
    clip_goldens.save_tokenizer(folder, vocabulary, merges, 77)
    edge = dict(size={"shortest_edge": 224}, crop_size={"height": 224, "width": 224})
    clip_goldens.write_json(folder / "preprocessor_config.json",
                            clip_goldens.config_json(clip_goldens.processor(**edge)))
    clip_goldens.embed_folder(folder, folder)


def siglip(folder):
    draw(SiglipModel(SiglipConfig()), 1).save_pretrained(folder)
    clip_goldens.write_json(folder / "preprocessor_config.json", siglip_goldens.processor(224))
    shutil.copy(siglip_goldens.TOKENS["siglip"] / "tokenizer.json", folder)
    siglip_goldens.embed_folder(folder, "siglip")


def checkpoints(arguments):
    clip(arguments.folder / "clip-b32", 32)
    clip(arguments.folder / "clip-b16", 16)
    siglip(arguments.folder / "siglip-b16")
    for name in MODELS:
        clip_goldens.smooth(640, 480, 5).save(arguments.folder / name / "photo.jpg", quality=90)


def rust(name, *words):
    """Runs the crate's example and gives what it printed."""
    example = clip_goldens.ROOT / f"target/release/examples/{MODELS[name].replace('encoder-', '')}_real_size"
    result = subprocess.run([example, *map(str, words)], check=True, capture_output=True, text=True,
                            env={**os.environ, "RAYON_NUM_THREADS": str(THREADS)})
    return result.stdout


# ---------------------------------------------------------------- parity


def parity(arguments):
    for name in MODELS:
        folder = arguments.folder / name
        rust(name, "embed", folder)
        ours, theirs = load_file(folder / "rust.safetensors"), load_file(folder / "golden.safetensors")
        unit = {}
        for kind in ("images", "texts"):
            a, b = (torch.nn.functional.normalize(it[kind].double(), dim=1) for it in (ours, theirs))
            unit[kind] = a, b
            cosines = (b @ b.T)[~torch.eye(len(b), dtype=bool)]
            print(f"{name} {kind}: {len(b)} unit vectors, at most {(a - b).abs().max():.1e} apart; features of size "
                  f"{theirs[kind].abs().max():.1f} at most {(ours[kind] - theirs[kind]).abs().max():.1e}; cosines of "
                  f"different items {cosines.min():.2f} to {cosines.max():.2f}")
        lists = [(unit["texts"][side] @ unit["images"][side].T).topk(10, dim=1).indices for side in (0, 1)]
        back = [(unit["images"][side] @ unit["texts"][side].T).topk(10, dim=1).indices for side in (0, 1)]
        same = [int((pair[0] == pair[1]).all(dim=1).sum()) for pair in (lists, back)]
        print(f"{name}: same top-10 lists for {same[0]} of {len(lists[0])} texts and {same[1]} of {len(back[0])} images")


# ---------------------------------------------------------------- speed


def torch_rates(folder, seconds):
    config = json.loads((folder / "config.json").read_text())
    family = SiglipModel if config["model_type"] == "siglip" else CLIPModel
    model = family.from_pretrained(folder).eval()
    length = 64 if family is SiglipModel else 16
    ids = torch.randint(0, 500, (64, length))
    if family is CLIPModel:
        ids[:, -1] = config["text_config"]["eos_token_id"]
    values = torch.randn(32, 3, 224, 224)

    def rates():
        with torch.no_grad():
            return {"images": rate(lambda: model.get_image_features(values), 32, seconds),
                    "captions": rate(lambda: model.get_text_features(ids), 64, seconds)}
    return rates


def rate(call, items, seconds):
    """Items a second: the median of calls over some seconds, the first not counted."""
    call()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return items / statistics.median(times)


def speed(arguments):
    torch.set_num_threads(THREADS)
    print(f"items a second, medians of {arguments.rounds} interleaved rounds of {arguments.seconds} s; prepared: JPEG files "
          "of 640 x 480 decoded and resized on one thread")
    for name in arguments.models:
        folder = arguments.folder / name
        theirs, rounds = torch_rates(folder, arguments.seconds), []
        for _ in range(arguments.rounds):
            ours = json.loads(rust(name, "speed", folder, arguments.seconds))
            rounds.append((ours, theirs()))
        for kind in ("images", "captions"):
            pair = [statistics.median(it[side][kind] for it in rounds) for side in (0, 1)]
            ratio = statistics.median(ours[kind] / other[kind] for ours, other in rounds)
            print(f"{name} {kind}: {pair[0]:.1f}, PyTorch {pair[1]:.1f}, ratio {ratio:.2f}")
        print(f"{name} prepared: {statistics.median(it[0]['prepared'] for it in rounds):.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for run in (checkpoints, parity, speed):
        command = commands.add_parser(run.__name__)
        command.add_argument("--folder", required=True, type=Path)
        command.set_defaults(run=run)
    command.add_argument("--rounds", type=int, default=5)
    command.add_argument("--seconds", type=float, default=3.0)
    command.add_argument("--models", nargs="*", default=list(MODELS))
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    arguments.run(arguments)


if __name__ == "__main__":
    main()
