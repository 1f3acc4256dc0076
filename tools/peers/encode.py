"""Encoders beside PyTorch, ONNX Runtime and faster-clip: CLIP ViT-B/32, SigLIP B/16 and CLIP ViT-L/14 with random weights.

After `pip install -r tools/peers/requirements-encode.txt` and
`cargo build --release -p encoder-clip -p encoder-siglip --examples`, from the workspace's root:

    python tools/peers/encode.py checkpoints --folder DIR                # once, 3 GB
    python tools/peers/encode.py measure --folder DIR --output tools/peers/encode.json
    python tools/peers/encode.py table --output tools/peers/encode.json

Every contender has the same weights, inputs and number of threads and runs in a process of its own; they take turns. An item's
cost is milliseconds of the processor, which other work on the machine disturbs less than the clock; milliseconds of the clock stand
beside it. `1 - cos` is the largest distance of an embedding to that of eager PyTorch in float32.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
THREADS = 2
SIZES = [1, 8, 32, 64]
MODELS = {"clip-b32": "clip", "siglip-b16": "siglip", "clip-l14": "clip"}
PEERS = ["ours f32", "ours bf16", "eager f32", "eager bf16", "compiled f32", "compiled bf16", "onnx f32", "faster-clip f32"]


# ---------------------------------------------------------------- checkpoints


def config(name):
    from transformers import CLIPConfig, SiglipConfig

    text = dict(bos_token_id=49406, eos_token_id=49407)
    if name == "siglip-b16":
        return SiglipConfig()
    if name == "clip-b32":
        return CLIPConfig(text_config=text, vision_config=dict(patch_size=32), projection_dim=512)
    text |= dict(hidden_size=768, intermediate_size=3072, num_attention_heads=12)
    vision = dict(hidden_size=1024, intermediate_size=4096, num_attention_heads=16, num_hidden_layers=24, patch_size=14)
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=768)


def draw(model):
    """Matrices that keep the size of what passes through, and nothing at its neutral value."""
    import torch

    torch.manual_seed(1)
    with torch.no_grad():
        for name, value in sorted(model.named_parameters()):
            if "embedding" in name and "patch" not in name:
                value.copy_(torch.randn(value.shape))
            elif value.dim() > 1:
                value.copy_(torch.randn(value.shape) / value[0].numel() ** 0.5)
            elif value.numel() > 1:
                value.copy_(torch.randn(value.shape) * 0.1 + float("norm" in name and name.endswith("weight")))
    return model.eval()


def checkpoint(folder, name):
    import torch
    from safetensors.torch import save_file
    from transformers import CLIPModel, SiglipModel

    family = SiglipModel if MODELS[name] == "siglip" else CLIPModel
    model = draw(family(config(name)))
    model.save_pretrained(folder / name)
    golden = ROOT / "crates" / f"encoder-{MODELS[name]}" / "tests/golden"
    golden = golden / ("siglip-f32" if MODELS[name] == "siglip" else "pickle-2021")
    preprocessor = json.loads((golden / "preprocessor_config.json").read_text())
    side = model.config.vision_config.image_size
    square = {"height": side, "width": side}
    preprocessor["size"] = square if MODELS[name] == "siglip" else {"shortest_edge": side}
    preprocessor["crop_size"] = square
    (folder / name / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    tokens = ROOT / "crates/nnn-encode/tests/golden/siglip" if MODELS[name] == "siglip" else golden
    for file in ["vocab.json", "merges.txt", "tokenizer.json"]:
        if (tokens / file).exists():
            shutil.copy(tokens / file, folder / name)
    length = 64 if MODELS[name] == "siglip" else 16
    ids = torch.randint(0, 500, (max(SIZES), length), dtype=torch.int32)
    ids[:, -1] = 1 if MODELS[name] == "siglip" else 49407
    images = torch.randn(max(SIZES), 3 * side * side)
    save_file({"images": images, "texts": ids}, folder / name / "inputs.safetensors")


def checkpoints(arguments):
    for name in MODELS:
        checkpoint(arguments.folder, name)


# ---------------------------------------------------------------- contenders


def cost(call, items, seconds):
    """Milliseconds of the processor and of the clock that one item takes; the first call is not counted."""
    call()
    used, begin, calls = time.process_time(), time.perf_counter(), 0
    while time.perf_counter() - begin < seconds or calls < 3:
        call()
        calls += 1
    took = time.process_time() - used, time.perf_counter() - begin
    return [1e3 * it / (calls * items) for it in took]


def features(output):
    """The embeddings that a transformers model returned, whatever the version wraps them in."""
    return output if hasattr(output, "shape") else output.pooler_output


def torch_calls(folder, mode, dtype):
    import torch
    from transformers import CLIPModel, SiglipModel

    torch.set_num_threads(THREADS)
    family = SiglipModel if folder.name.startswith("siglip") else CLIPModel
    model = family.from_pretrained(folder, dtype=torch.bfloat16 if dtype == "bf16" else torch.float32).eval()
    side = model.config.vision_config.image_size
    towers = {
        "images": lambda x: features(model.get_image_features(x)),
        "captions": lambda x: features(model.get_text_features(x)),
    }
    if mode == "compiled":
        towers = {kind: torch.compile(tower, dynamic=False) for kind, tower in towers.items()}

    def run(kind, values):
        with torch.inference_mode():
            values = values.reshape(-1, 3, side, side).to(model.dtype) if kind == "images" else values.long()
            return towers[kind](values).float()

    return run


def onnx_calls(folder):
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    sessions, eager = {}, {}
    for kind in ("images", "captions"):
        path = folder / f"{kind}.onnx"
        if not path.exists():
            export(folder, kind, path)
        sessions[kind] = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    side = json.loads((folder / "config.json").read_text()).get("vision_config", {}).get("image_size", 224)

    def run(kind, values):
        values = values.reshape(-1, 3, side, side) if kind == "images" else values.long()
        return torch.from_numpy(sessions[kind].run(None, {"x": values.numpy()})[0])

    return run


def faster_clip_calls(folder):
    """Images of CLIP ViT-B/32, the only tower of these that it has; it decodes them itself, so that they are small PNG files."""
    import io
    import tempfile

    import numpy as np
    from PIL import Image

    if folder.name != "clip-b32":
        raise SystemExit("has no such model")
    os.environ["FASTER_CLIP_CACHE"] = cache = tempfile.mkdtemp()
    place = Path(cache) / "sentence-transformers__clip-ViT-B-32/0_CLIPModel/model.safetensors"
    place.parent.mkdir(parents=True)
    place.symlink_to((folder / "model.safetensors").resolve())
    from faster_clip import ClipModel

    model, files = ClipModel(), []
    for _ in range(max(SIZES)):
        file = io.BytesIO()
        Image.fromarray(np.random.default_rng(1).integers(0, 256, (224, 224, 3), dtype=np.uint8)).save(file, "PNG", compress_level=0)
        files.append(file.getvalue())
    return lambda kind, values: model.encode_image(files[: len(values)])


def export(folder, kind, path):
    """One tower as ONNX with a free number of items."""
    import torch
    from safetensors.torch import load_file
    from transformers import CLIPModel, SiglipModel

    family = SiglipModel if folder.name.startswith("siglip") else CLIPModel
    model = family.from_pretrained(folder, attn_implementation="eager").eval()

    class Tower(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            call = self.model.get_image_features if kind == "images" else self.model.get_text_features
            return features(call(x))

    inputs = load_file(folder / "inputs.safetensors")
    side = model.config.vision_config.image_size
    x = inputs["images"][:2].reshape(-1, 3, side, side) if kind == "images" else inputs["texts"][:2].long()
    torch.onnx.export(Tower(), (x,), str(path), input_names=["x"], dynamic_axes={"x": {0: "batch"}}, dynamo=False)


def contend(arguments):
    """One contender in this process: times and embeddings as JSON."""
    from safetensors.torch import load_file

    mode, dtype = arguments.peer.split()
    inputs = load_file(arguments.folder / "inputs.safetensors")
    inputs = {"images": inputs["images"], "captions": inputs["texts"]}
    if mode == "faster-clip":
        run = faster_clip_calls(arguments.folder)
        del inputs["captions"]
    else:
        run = onnx_calls(arguments.folder) if mode == "onnx" else torch_calls(arguments.folder, mode, dtype)
    times = {}
    for size in arguments.sizes:
        times[str(size)] = {
            kind: cost(lambda kind=kind, values=values: run(kind, values[:size]), size, arguments.seconds)
            for kind, values in inputs.items()
        }
    # What faster-clip embeds are other images.
    embedded = [] if mode == "faster-clip" else [run(kind, values).flatten().tolist() for kind, values in inputs.items()]
    dim = len(embedded[0]) // max(SIZES) if embedded else 0
    print(json.dumps({"times": times, "embedded": embedded, "dim": dim}))


def contender(arguments, name, peer):
    """What a contender printed, or why it did not."""
    folder = arguments.folder / name
    environment = {**os.environ, "RAYON_NUM_THREADS": str(THREADS), "OMP_NUM_THREADS": str(THREADS)}
    mode, dtype = peer.split()
    sizes = [str(size) for size in arguments.sizes]
    if mode == "ours":
        example = ROOT / f"target/release/examples/{MODELS[name]}_real_size"
        command = [example, "batches", folder, dtype, str(arguments.seconds), *sizes]
    else:
        command = [sys.executable, __file__, "contend", "--folder", folder, "--peer", peer, "--seconds", str(arguments.seconds)]
        command += ["--sizes", *sizes]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode:
        lines = result.stderr.strip().splitlines()
        return {"error": lines[-1] if lines else f"ended with {result.returncode}"}
    return json.loads(result.stdout.strip().splitlines()[-1])


# ---------------------------------------------------------------- measuring


def distance(ours, theirs, dim):
    """The largest 1 - cos of rows."""
    import numpy as np

    a, b = (np.array(it, dtype=np.float64).reshape(-1, dim) for it in (ours, theirs))
    a, b = (it / np.linalg.norm(it, axis=1, keepdims=True) for it in (a, b))
    return float((((a - b) ** 2).sum(axis=1) / 2).max())


def measure(arguments):
    results = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
    for name in arguments.models:
        model = results.setdefault(name, {})
        rounds = {peer: [] for peer in arguments.peers}
        for _ in range(arguments.rounds):
            for peer in arguments.peers:
                rounds[peer].append(contender(arguments, name, peer))
        exact = contender(argparse.Namespace(**{**vars(arguments), "seconds": 0, "sizes": [1]}), name, "eager f32")
        for peer, runs in rounds.items():
            failed = [run["error"] for run in runs if "error" in run]
            if failed:
                model[peer] = {"error": failed[0]}
                continue
            pairs = zip(runs[0]["embedded"], exact["embedded"])
            model[peer] = {
                "1-cos": [distance(ours, theirs, runs[0]["dim"]) for ours, theirs in pairs],
                "ms": {
                    size: {
                        kind: [min(run["times"][size][kind][clock] for run in runs) for clock in (0, 1)]
                        for kind in runs[0]["times"][size]
                    }
                    for size in runs[0]["times"]
                },
            }
        arguments.output.write_text(json.dumps(results, indent=1) + "\n")


def table(arguments):
    results = json.loads(arguments.output.read_text())
    for name, model in results.items():
        for kind in ("images", "captions"):
            print(f"\n{name} {kind}: milliseconds of the processor an item, how many times ours bf16 it is\n")
            print("| | " + " | ".join(f"{size}" for size in SIZES) + " | 1 - cos |\n|---|" + "---|" * (len(SIZES) + 1))
            for peer, entry in model.items():
                if "error" in entry or kind not in entry["ms"][str(SIZES[0])]:
                    print(f"| {peer} | {entry.get('error', 'other captions')} |")
                    continue
                ours = model["ours bf16"]["ms"]
                cells = [
                    f"{entry['ms'][size][kind][0]:.2f}: {entry['ms'][size][kind][0] / ours[size][kind][0]:.2f}" for size in entry["ms"]
                ]
                print(f"| {peer} | " + " | ".join(cells) + f" | {entry['1-cos'][kind == 'captions']:.1e} |" if entry["1-cos"] else " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for run in (checkpoints, contend, measure, table):
        command = commands.add_parser(run.__name__)
        command.add_argument("--folder", type=Path)
        command.add_argument("--output", type=Path, default=ROOT / "tools/peers/encode.json")
        command.add_argument("--peer")
        command.add_argument("--peers", nargs="*", default=PEERS)
        command.add_argument("--models", nargs="*", default=list(MODELS))
        command.add_argument("--sizes", nargs="*", type=int, default=SIZES)
        command.add_argument("--seconds", type=float, default=3.0)
        command.add_argument("--rounds", type=int, default=2)
        command.set_defaults(run=run)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
