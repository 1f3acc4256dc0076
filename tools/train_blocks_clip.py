"""Trains and evaluates `blocks-clip`, the checkpoint that ships with the project.

A small CLIP (Hugging Face `CLIPModel`), trained contrastively on the split `pretrain` of the data set Blocks, of which
no image is ever written to the data set's folder. Versions: tools/requirements-train.txt. Commands and figures of the
run that made the committed weights: data/blocks/README.md.

    python tools/train_blocks_clip.py train --pairs EXPORT --output data/blocks/blocks-clip
    python tools/train_blocks_clip.py evaluate --checkpoint data/blocks/blocks-clip --data BLOCKS [--styled STYLED]

`EXPORT` is the folder written by `cargo run --release -p dataset-blocks --example export_training`; `BLOCKS` and
`STYLED` are the two folders written by its example `generate_blocks`.
"""

import argparse
import csv
import hashlib
import json
import math
import os
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import AutoImageProcessor, CLIPConfig, CLIPModel, CLIPTokenizer

SIDE = 64
CAPTIONS_PER_IMAGE = 5
CONTEXT = 40
START, END = "<|startoftext|>", "<|endoftext|>"
# OpenAI's CLIP normalises with these; the same code path serves both.
MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]


# ---------------------------------------------------------------- tokenizer


def byte_symbols():
    """The 256 byte symbols in the order of OpenAI's CLIP: printable ones by code, then the rest."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [chr(256 + n) for n in range(256 - len(printable))]
    symbols = [chr(code) for code in printable] + rest
    assert set(symbols) == set(ByteLevel.alphabet())
    return symbols


def train_tokenizer(captions, merges):
    """A lower-case byte-level BPE laid out as CLIP's: bytes, bytes that end a word, merges, start, end."""
    # An untrained CLIPTokenizer brings CLIP's normaliser and pre-tokenizer.
    backend = CLIPTokenizer().backend_tokenizer
    trainer = BpeTrainer(
        vocab_size=512 + merges,
        min_frequency=20,
        end_of_word_suffix="</w>",
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(captions, trainer)
    learned = [tuple(pair) for pair in json.loads(backend.to_str())["model"]["merges"]]
    symbols = byte_symbols()
    tokens = symbols + [symbol + "</w>" for symbol in symbols] + ["".join(pair) for pair in learned] + [START, END]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocabulary, merges=learned, model_max_length=CONTEXT)


def encode_captions(tokenizer, captions):
    """Token ids, `captions x longest`, padded with the end token and cut at the context's length, as CLIP does."""
    tokens = tokenizer(captions, padding=True, truncation=True, max_length=CONTEXT, return_tensors="pt")
    return tokens["input_ids"]


# ---------------------------------------------------------------- model


def make_model(tokenizer):
    # All three places: which one is read differs between versions of transformers and other implementations.
    special = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.eos_token_id,
    }
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": CONTEXT,
        "projection_dim": 128,
        "hidden_act": "quick_gelu",
        **special,
    }
    vision = {
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "image_size": SIDE,
        "patch_size": 8,
        "projection_dim": 128,
        "hidden_act": "quick_gelu",
    }
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=128, attn_implementation="eager"))


def normalise_pixels(pixels):
    """`n x SIDE x SIDE x 3` bytes to `n x 3 x SIDE x SIDE` floats, as the image processor does."""
    scaled = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    return (scaled - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def encode_images(model, pixels):
    pooled = model.vision_model(pixel_values=pixels).pooler_output
    return F.normalize(model.visual_projection(pooled).float(), dim=-1)


def encode_texts(model, ids):
    pooled = model.text_model(input_ids=ids).pooler_output
    return F.normalize(model.text_projection(pooled).float(), dim=-1)


def contrastive_loss(images, texts, scale):
    """Mean of the image-to-text and text-to-image cross entropies."""
    logits = scale * images @ texts.T
    target = torch.arange(len(images))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


# ---------------------------------------------------------------- training


class Pairs:
    """The exported split, its last `held_out` images kept for the log."""

    def __init__(self, folder, held_out=1000):
        self.pixels = np.memmap(folder / "images.u8", dtype=np.uint8, mode="r").reshape(-1, SIDE, SIDE, 3)
        self.captions = (folder / "captions.txt").read_text().splitlines()
        assert len(self.captions) == CAPTIONS_PER_IMAGE * len(self.pixels)
        self.size = len(self.pixels) - held_out
        self.held_out = range(self.size, len(self.pixels))


def batches(size, batch, steps, seed):
    """Indices of `steps` batches: epochs in random order, the incomplete batch at the end of each left out."""
    random = np.random.default_rng(seed)
    order = np.empty(0, dtype=np.int64)
    for _ in range(steps):
        if len(order) < batch:
            order = random.permutation(size)
        yield np.sort(order[:batch]), random
        order = order[batch:]


def learning_rate(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def make_optimizer(model, scale_speed):
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    groups = [
        {"params": matrices, "weight_decay": 0.1, "speed": 1},
        {"params": vectors, "weight_decay": 0.0, "speed": 1},
        {"params": [model.logit_scale], "weight_decay": 0.0, "speed": scale_speed},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-6)


def training_step(model, tokenizer, pairs, batch, random, texts_per_image, amp):
    """The loss of one batch: every image against several of its captions, one at a time."""
    pixels = normalise_pixels(np.array(pairs.pixels[batch]))
    chosen = random.permuted(np.tile(np.arange(CAPTIONS_PER_IMAGE), (len(batch), 1)), axis=1)[:, :texts_per_image]
    rows = (batch[:, None] * CAPTIONS_PER_IMAGE + chosen).T.ravel()
    tokens = encode_captions(tokenizer, [pairs.captions[row] for row in rows])
    with torch.autocast("cpu", torch.bfloat16, enabled=amp):
        images, texts = encode_images(model, pixels), encode_texts(model, tokens)
    scale = model.logit_scale.exp()
    parts = texts.view(texts_per_image, len(batch), -1)
    return sum(contrastive_loss(images, part, scale) for part in parts) / texts_per_image


def held_out_recall(model, tokenizer, pairs):
    """Text-to-image R@1 over the held-out images, every caption a query."""
    model.eval()
    with torch.no_grad():
        images = encode_images(model, normalise_pixels(np.array(pairs.pixels[pairs.held_out.start :])))
        tokens = encode_captions(tokenizer, pairs.captions[CAPTIONS_PER_IMAGE * pairs.held_out.start :])
        best = (encode_texts(model, tokens) @ images.T).argmax(dim=1)
    model.train()
    return (best == torch.arange(len(tokens)) // CAPTIONS_PER_IMAGE).float().mean().item()


def start(options, pairs):
    """A new tokenizer and model, or those of an earlier run."""
    if options.resume:
        model = CLIPModel.from_pretrained(options.resume, dtype=torch.float32, attn_implementation="eager")
        return CLIPTokenizer.from_pretrained(options.resume), model.train()
    tokenizer = train_tokenizer(pairs.captions[:200_000], options.merges)
    return tokenizer, make_model(tokenizer)


def train(options):
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    started = time.time()
    pairs = Pairs(options.pairs)
    tokenizer, model = start(options, pairs)
    optimizer = make_optimizer(model, options.scale_speed)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{pairs.size} images, {len(tokenizer)} tokens, {parameters} parameters", flush=True)
    mean_loss = None
    stop = min(options.steps, options.stop_after or options.steps)
    for step, (batch, random) in enumerate(batches(pairs.size, options.batch, stop, options.seed)):
        for group in optimizer.param_groups:
            group["lr"] = group["speed"] * learning_rate(step, options.steps, options.lr, options.warmup)
        loss = training_step(model, tokenizer, pairs, batch, random, options.texts_per_image, options.bf16)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        mean_loss = loss.item() if mean_loss is None else 0.95 * mean_loss + 0.05 * loss.item()
        if (step + 1) % options.log_every == 0 or step + 1 == stop:
            recall, scale = held_out_recall(model, tokenizer, pairs), model.logit_scale.exp().item()
            elapsed = time.time() - started
            print(f"step {step + 1} loss {mean_loss:.4f} scale {scale:.1f} R@1 {recall:.4f} {elapsed:.0f} s", flush=True)
            save(model, tokenizer, options.output)


def save(model, tokenizer, folder):
    """The Hugging Face layout, weights at half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items() if "position_ids" not in name}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    model.config.architectures = ["CLIPModel"]
    for config in (model.config, model.config.text_config, model.config.vision_config):
        config.dtype = torch.float16
    model.config.save_pretrained(folder)
    plain_tokenizer(tokenizer).save_pretrained(folder)
    for path in folder.iterdir():
        path.chmod(0o644)
    write_json(folder / "preprocessor_config.json", preprocessor())


def plain_tokenizer(tokenizer):
    """The same tokenizer without what its use and its loading left on it: the files say how to split, no more."""
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    merges = [tuple(pair) for pair in model["merges"]]
    return CLIPTokenizer(vocab=model["vocab"], merges=merges, model_max_length=CONTEXT)


def preprocessor():
    return {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": SIDE},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": SIDE, "width": SIDE},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": MEAN,
        "image_std": STD,
    }


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


# ---------------------------------------------------------------- evaluation


class Checkpoint:
    """The saved files as anybody would load them."""

    def __init__(self, folder):
        self.model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer = CLIPTokenizer.from_pretrained(folder)
        self.processor = AutoImageProcessor.from_pretrained(folder)

    @torch.no_grad()
    def images(self, paths, batch=500):
        parts = []
        for first in range(0, len(paths), batch):
            opened = [Image.open(path) for path in paths[first : first + batch]]
            parts.append(encode_images(self.model, self.processor(opened, return_tensors="pt")["pixel_values"]))
        return torch.cat(parts).numpy()

    @torch.no_grad()
    def texts(self, captions, batch=1000):
        parts = []
        for first in range(0, len(captions), batch):
            tokens = encode_captions(self.tokenizer, captions[first : first + batch])
            parts.append(encode_texts(self.model, tokens))
        return torch.cat(parts).numpy()


def read_split(folder, split):
    """Paths of the images, captions, and each caption's image."""
    with open(folder / "captions.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    paths = list(dict.fromkeys(row["image"] for row in rows))
    place = {path: index for index, path in enumerate(paths)}
    return [folder / path for path in paths], [row["caption"] for row in rows], np.array([place[row["image"]] for row in rows])


def hit_rate(top, relevant, k):
    """Share of rows with a relevant column (a boolean matrix) among the first `k` of the ranking `top`."""
    return np.take_along_axis(relevant, top[:, :k], axis=1).any(axis=1).mean()


def skewness(counts):
    centred = counts - counts.mean()
    return (centred**3).mean() / (centred**2).mean() ** 1.5


def top_means(bank_scores, ks):
    """For every k the mean of each gallery item's k best scores over the bank (`gallery x bank`)."""
    best = -np.partition(-bank_scores, max(ks), axis=1)[:, : max(ks)]
    best = -np.sort(-best, axis=1)
    return {k: best[:, :k].mean(axis=1) for k in ks}


def report(name, scores, relevant):
    # Ties: lower column first.
    top = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    counts = np.bincount(top.ravel(), minlength=scores.shape[1])
    rates = " ".join(f"R@{k} {100 * hit_rate(top, relevant, k):.2f}" for k in (1, 5, 10))
    shape = f"N_10 skewness {skewness(counts):.2f}, max {counts.max()}, never {100 * (counts == 0).mean():.1f} %"
    print(f"{name}: {rates}; {shape}", flush=True)


def report_nnn(name, scores, relevant, gallery, bank):
    means = top_means(gallery @ bank.T, (16, 32, 64, 128))
    for k, mean in means.items():
        for alpha in (0.25, 0.5, 0.75, 1.0):
            report(f"{name} nnn(k={k},alpha={alpha})", scores - alpha * mean, relevant)


def evaluate(options):
    torch.set_num_threads(options.threads)
    checkpoint = Checkpoint(options.checkpoint)
    paths, captions, owner = read_split(options.data, options.split)
    images, texts = checkpoint.images(paths), checkpoint.texts(captions)
    relevant = owner[:, None] == np.arange(len(paths))[None, :]
    random = np.random.default_rng(0)
    train_paths, train_captions, _ = read_split(options.data, "train")
    share = lambda items: [items[i] for i in np.sort(random.choice(len(items), len(items) // 5, replace=False))]
    text_bank, image_bank = checkpoint.texts(share(train_captions)), checkpoint.images(share(train_paths))
    print(f"{len(images)} images, {len(texts)} captions; banks: {len(text_bank)} captions, {len(image_bank)} images")
    report("t2i raw", texts @ images.T, relevant)
    report_nnn("t2i", texts @ images.T, relevant, images, text_bank)
    report("i2t raw", images @ texts.T, relevant.T)
    report_nnn("i2t", images @ texts.T, relevant.T, texts, image_bank)
    if options.styled:
        styled = checkpoint.texts(share(read_split(options.styled, "train")[1]))
        report_nnn("t2i, styled bank:", texts @ images.T, relevant, images, styled)
    size = sum(path.stat().st_size for path in options.checkpoint.iterdir())
    digest = hashlib.sha256((options.checkpoint / "model.safetensors").read_bytes()).hexdigest()
    print(f"checkpoint: {size} bytes, model.safetensors sha256 {digest}")


# ---------------------------------------------------------------- command line


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    verbs = parser.add_subparsers(dest="verb", required=True)
    training = verbs.add_parser("train")
    training.add_argument("--pairs", type=Path, required=True)
    training.add_argument("--output", type=Path, required=True)
    training.add_argument("--steps", type=int, default=1600)
    training.add_argument("--batch", type=int, default=256)
    training.add_argument("--texts-per-image", type=int, default=2)
    training.add_argument("--lr", type=float, default=1e-3)
    training.add_argument("--warmup", type=int, default=100)
    training.add_argument("--scale-speed", type=float, default=1, help="the logit scale's share of the learning rate")
    training.add_argument("--resume", type=Path, help="a checkpoint to go on from; its optimiser starts afresh")
    training.add_argument("--stop-after", type=int, help="stop early; the schedule remains that of --steps")
    training.add_argument("--merges", type=int, default=800)
    training.add_argument("--seed", type=int, default=0)
    training.add_argument("--log-every", type=int, default=100)
    training.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    evaluation = verbs.add_parser("evaluate")
    evaluation.add_argument("--checkpoint", type=Path, required=True)
    evaluation.add_argument("--data", type=Path, required=True)
    evaluation.add_argument("--styled", type=Path)
    evaluation.add_argument("--split", default="test")
    return parser.parse_args()


def main():
    options = parse()
    {"train": train, "evaluate": evaluate}[options.verb](options)


if __name__ == "__main__":
    main()
