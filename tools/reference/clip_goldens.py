"""Golden references for nnn-encode and encoder-clip, made with `transformers` and Pillow.

Run from the workspace's root with the packages of `requirements.txt`:

    python tools/reference/clip_goldens.py images        # test images, their pixels, checksums of resized patterns
    python tools/reference/clip_goldens.py checkpoints   # tiny random checkpoints with their outputs (after `images`)
    python tools/reference/clip_goldens.py tokens --vocabulary DIR --captions captions_val2017.json
    python tools/reference/clip_goldens.py embed --checkpoint data/blocks/blocks-clip --name blocks-clip

Pillow is pinned below 13 on purpose: 13.0.0 resizes vertically first where that is cheaper, which moves levels of tall
images; all versions before it, and so all published figures, go horizontally first.

`tokens` wants a folder with CLIP's vocab.json and merges.txt and COCO's annotation file. `embed` writes what
`transformers` makes of the test images and captions with any checkpoint (for the shipped one: the command above).
Everything is seeded: a second run writes the same bytes.
"""

import argparse
import collections
import hashlib
import io
import json
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer
from transformers.models.clip.tokenization_clip import CLIPTokenizer as ReferenceTokenizer

ROOT = Path(__file__).resolve().parents[2]
ENCODE = ROOT / "crates/nnn-encode/tests/golden"
CLIP = ROOT / "crates/encoder-clip/tests/golden"
START, END = "<|startoftext|>", "<|endoftext|>"
MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]

TEXTS = [
    "a red circle above a blue square",
    "A RED Circle, above a blue square!",
    "two small green triangles on a striped background",
    "it's the dog's ball; they're playing & we've won",
    "  several   spaces,\ttabs\nand lines  ",
    "caf\u00e9 and cafe\u0301 with \u00dcml\u00e4uts, na\u00efve \u0130stanbul",
    "12 cats, 345 dogs and 6,789.50 birds in 2024",
    "\u4e00\u53ea\u732b and \U0001f408\u200d\u2b1b on a mat \u2014 \u201cquoted\u201d\u2026",
    "tom &amp; jerry <b>bold</b> #hash @at 50% a_b c/d e\\f",
    "an <|endoftext|> in the middle",
    "word " * 200,
    "?!...",
    "",
    "a",
]


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=True) + "\n")


# ---------------------------------------------------------------- images


def pattern(width, height):
    """An image that a few lines of any language draw: sharp, asymmetric, all levels."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    value = 3 * x * x + 5 * y * y + 7 * x * y + 91 * c + (x // 7) * (y // 5) * 13
    return Image.fromarray((value % 256).astype(np.uint8))


def smooth(width, height, seed):
    """A photo-like image: blurred noise, stretched to all levels."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 6 + 2, width // 6 + 2, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def png16(values, colour_type):
    """A 16-bit PNG of (height, width, channels) values; Pillow writes only some kinds."""
    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_images():
    """File name to bytes."""
    files = {}

    def add(name, image, **options):
        out = io.BytesIO()
        image.save(out, **options)
        files[name] = out.getvalue()

    rng = np.random.default_rng(7)
    base = pattern(61, 47)
    alpha = Image.fromarray(rng.integers(0, 256, (35, 41), dtype=np.uint8))
    add("rgb-61x47.png", base, format="PNG")
    add("wide-90x20.png", smooth(90, 20, 1), format="PNG")
    add("tall-1x40.png", pattern(1, 40), format="PNG")
    add("tiny-5x3.png", pattern(5, 3), format="PNG")
    add("same-32x32.png", smooth(32, 32, 2), format="PNG")
    add("grey-40x33.png", pattern(40, 33).convert("L"), format="PNG")
    add("bits-21x17.png", pattern(21, 17).convert("1"), format="PNG")
    add("palette-30x44.png", smooth(30, 44, 3).quantize(16), format="PNG")
    add("palette-clear-30x44.png", smooth(30, 44, 3).quantize(16), format="PNG", transparency=3)
    rgba = pattern(41, 35).convert("RGBA")
    rgba.putalpha(alpha)
    add("rgba-41x35.png", rgba, format="PNG")
    add("grey-alpha-41x35.png", rgba.convert("LA"), format="PNG")
    files["grey16-24x31.png"] = png16(rng.integers(0, 700, (31, 24, 1)), 0)
    files["rgb16-24x31.png"] = png16(rng.integers(0, 65536, (31, 24, 3)), 2)
    files["rgba16-24x31.png"] = png16(rng.integers(0, 65536, (31, 24, 4)), 6)
    photo = smooth(75, 50, 4)
    add("photo-444.jpg", photo, format="JPEG", quality=90, subsampling=0)
    add("photo-420.jpg", photo, format="JPEG", quality=90, subsampling=2)
    add("photo-progressive.jpg", photo, format="JPEG", quality=90, subsampling=0, progressive=True)
    add("photo-grey.jpg", photo.convert("L"), format="JPEG", quality=90)
    add("photo-422.jpg", photo, format="JPEG", quality=80, subsampling=1)
    add("photo-progressive-420.jpg", photo, format="JPEG", quality=60, subsampling=2, progressive=True)
    add("photo-restarts.jpg", smooth(53, 41, 5), format="JPEG", quality=75, restart_marker_blocks=3)
    add("photo-cmyk.jpg", photo.convert("CMYK"), format="JPEG", quality=90)
    files["photo-ycck.jpg"] = as_ycck(files["photo-cmyk.jpg"])
    add("photo-rgb.jpg", photo, format="JPEG", quality=90, keep_rgb=True)
    turned = Image.Exif()
    turned[ORIENTATION] = 6
    add("photo-rotated.jpg", smooth(40, 24, 6), format="JPEG", quality=90, exif=turned)
    add("tall-1x63.jpg", smooth(1, 63, 7), format="JPEG", quality=85)
    add("wide-63x1.jpg", smooth(63, 1, 8), format="JPEG", quality=85)
    add("one-1x1.jpg", smooth(1, 1, 9), format="JPEG")
    files["grey-alpha16-24x31.png"] = png16(rng.integers(0, 65536, (31, 24, 2)), 4)
    return files


ORIENTATION = 0x0112


def as_ycck(cmyk):
    """The same scan said to be YCCK: Adobe's marker with transform 2."""
    at = cmyk.index(b"Adobe")
    return cmyk[:at + 11] + b"\x02" + cmyk[at + 12:]


def large():
    """20 megapixels in a small file: a slow gradient, so that most blocks are a difference of means."""
    y, x = np.mgrid[0:3648, 0:5472]
    levels = np.stack([x * 255 // 5471, y * 255 // 3647, (x + y) * 255 // 9118], axis=-1)
    out = io.BytesIO()
    Image.fromarray(levels.astype(np.uint8)).save(out, format="JPEG", quality=20, optimize=True, progressive=True)
    return out.getvalue()


def processor(**changes):
    settings = dict(
        do_resize=True, size={"shortest_edge": 32}, resample=3, do_center_crop=True,
        crop_size={"height": 32, "width": 32}, do_rescale=True, rescale_factor=1 / 255,
        do_normalize=True, image_mean=MEAN, image_std=STD, do_convert_rgb=True,
    )
    return {**settings, **changes}


# Those that neither rescale nor normalise give the levels themselves.
LEVELS = dict(do_rescale=False, do_normalize=False)
SPECS = {
    "clip": processor(),
    "levels": processor(**LEVELS),
    "pad": processor(size={"shortest_edge": 20}, crop_size={"height": 31, "width": 28}, **LEVELS),
    "pad-one-side": processor(size={"shortest_edge": 24}, crop_size={"height": 21, "width": 33}, **LEVELS),
    "squash": processor(size={"height": 24, "width": 37}, do_center_crop=False, **LEVELS),
    "crop-only": processor(do_resize=False, crop_size={"height": 25, "width": 25}, **LEVELS),
    "rescale-only": processor(do_normalize=False),
    "normalize-only": processor(do_rescale=False),
}
LEVEL_SPECS = [name for name in SPECS if name not in ("clip", "rescale-only", "normalize-only")]
RESIZED = {
    "clip-224": processor(size={"shortest_edge": 224}, crop_size={"height": 224, "width": 224}, **LEVELS),
    "clip-64": processor(size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64}, **LEVELS),
    **{
        f"squash-filter-{number}": processor(
            size={"height": 48, "width": 67}, resample=number, do_center_crop=False, **LEVELS)
        for number in (1, 2, 3, 4, 5)
    },
}
RESIZED_SIZES = [(640, 480), (480, 640), (500, 375), (333, 500), (224, 224), (64, 64), (1, 50), (50, 1), (2, 3),
                 (225, 223), (300, 700), (1024, 768), (37, 700), (448, 448), (100, 67), (67, 48)]


def pixels(settings, image):
    """What the model would get of an RGB image, (3, height, width)."""
    return CLIPImageProcessorPil(**settings)(image, return_tensors="np")["pixel_values"][0]


def config_json(settings):
    """`preprocessor_config.json` as `transformers` writes it."""
    value = json.loads(CLIPImageProcessorPil(**settings).to_json_string())
    value["image_processor_type"] = "CLIPImageProcessor"
    return value


def read_rgb(file):
    """The file as Pillow's RGB. transformers 5 would blend what is transparent with white first; 4.x, OpenAI's code and
    all published figures drop it, so nothing of it is passed on."""
    image = Image.open(file).convert("RGB")
    image.info.clear()
    return image


def large_goldens():
    """Checksums of 20-megapixel images: decoded, and as a model of 224 pixels takes them."""
    (ENCODE / "large.jpg").write_bytes(large())
    decoded = read_rgb(ENCODE / "large.jpg")
    levels = [pixels(RESIZED["clip-224"], image) for image in (decoded, pattern(5472, 3648))]
    sums = [hashlib.sha256(np.ascontiguousarray(it).tobytes()).hexdigest() for it in (decoded, *levels)]
    write_json(ENCODE / "large.json", dict(zip(("decoded", "levels", "pattern"), sums)))


def images(_):
    folder = ENCODE / "images"
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in test_images().items():
        (folder / name).write_bytes(data)
    tensors = {}
    for file in sorted(folder.iterdir()):
        image = read_rgb(file)
        if file.suffix == ".jpg":
            tensors[f"decoded/{file.name}"] = np.asarray(image)
            continue
        specs = {"rgb-61x47.png": list(SPECS), "tall-1x40.png": [*LEVEL_SPECS], "tiny-5x3.png": [*LEVEL_SPECS]}
        for spec in specs.get(file.name, ["levels"]):
            value = pixels(SPECS[spec], image)
            tensors[f"{spec}/{file.name}"] = np.ascontiguousarray(value)
    save_file(tensors, ENCODE / "pixels.safetensors")
    large_goldens()
    for name, settings in SPECS.items():
        write_json(ENCODE / f"spec-{name}.json", config_json(settings))
    write_json(ENCODE / "resized.json", [
        {"spec": config_json(settings), "sizes": RESIZED_SIZES,
         "sha256": [hashlib.sha256(pixels(settings, pattern(*size)).tobytes()).hexdigest() for size in RESIZED_SIZES]}
        for settings in RESIZED.values()
    ])


# ---------------------------------------------------------------- checkpoints


def byte_letters():
    """GPT-2's letters for the 256 bytes."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, extra = {byte: chr(byte) for byte in keep}, 0
    for byte in range(256):
        if byte not in letters:
            letters[byte], extra = chr(256 + extra), extra + 1
    return [letters[byte] for byte in range(256)]


def tiny_vocabulary(merge_count=60):
    """CLIP's vocabulary in small: bytes, bytes that end a word, merges learnt from TEXTS, start and end last."""
    letters = byte_letters()
    words = collections.Counter(
        tuple([*word[:-1], word[-1] + "</w>"])
        for text in TEXTS[:5] for word in text.lower().split() if word.isascii())
    merges = []
    for _ in range(merge_count):
        pairs = collections.Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        best = max(sorted(pairs), key=lambda pair: pairs[pair])
        merges.append(best)
        words = collections.Counter({merged(word, best): count for word, count in words.items()})
    tokens = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges), START, END]
    return {token: index for index, token in enumerate(dict.fromkeys(tokens))}, merges


def merged(word, pair):
    out, index = [], 0
    while index < len(word):
        if word[index:index + 2] == pair:
            out.append("".join(pair))
            index += 2
        else:
            out.append(word[index])
            index += 1
    return tuple(out)


def tiny_model(seed, vocabulary, eos, text, vision, projection):
    torch.manual_seed(seed)
    text = dict(vocab_size=len(vocabulary), bos_token_id=len(vocabulary) - 2, eos_token_id=eos, **text)
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=projection)).eval()
    with torch.no_grad():
        for name, value in sorted(model.named_parameters()):
            # Nothing stays at its neutral value, or a forgotten bias would go unseen.
            value.copy_(torch.randn(value.shape) * 0.2 + ("norm" in name and name.endswith("weight")))
    return model


def save_tokenizer(folder, vocabulary, merges, context):
    tokenizer = ReferenceTokenizer(vocab=vocabulary, merges=merges, model_max_length=context)
    tokenizer.save_pretrained(folder)


def save_vocabulary(folder, vocabulary, merges):
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")


def checkpoints(_):
    vocabulary, merges = tiny_vocabulary()
    eos = len(vocabulary) - 1
    text = dict(hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=3,
                max_position_embeddings=16)
    vision = dict(hidden_size=10, intermediate_size=18, num_hidden_layers=2, num_attention_heads=2, image_size=32,
                  patch_size=8)
    gelu = dict(hidden_act="gelu", layer_norm_eps=1e-6)

    # Single precision, quick_gelu, tokenizer.json.
    folder = CLIP / "quick-gelu-f32"
    tiny_model(1, vocabulary, eos, text, vision, 12).save_pretrained(folder)
    save_tokenizer(folder, vocabulary, merges, 16)
    write_json(folder / "preprocessor_config.json", config_json(processor()))
    embed_folder(folder, folder)

    # Half precision, gelu, another image size that the patches do not fill, three layers against one.
    folder = CLIP / "gelu-f16"
    small = dict(size={"shortest_edge": 30}, crop_size={"height": 30, "width": 30})
    tiny_model(2, vocabulary, eos, {**text, **gelu, "num_hidden_layers": 1},
               {**vision, **gelu, "num_hidden_layers": 3, "image_size": 30, "patch_size": 7},
               20).half().save_pretrained(folder)
    save_tokenizer(folder, vocabulary, merges, 16)
    write_json(folder / "preprocessor_config.json", config_json(processor(**small)))
    embed_folder(folder, folder)

    # A PyTorch archive with position_ids, vocab.json and merges.txt, and files as they were written in 2021.
    folder = CLIP / "pickle-2021"
    folder.mkdir(parents=True, exist_ok=True)
    model = tiny_model(3, vocabulary, eos, text, vision, 12)
    config = json.loads(model.config.to_json_string(use_diff=False))
    config["text_config_dict"], config["text_config"] = config["text_config"], {"hidden_size": 999}
    config["vision_config_dict"] = None
    config.pop("transformers_version", None)
    write_json(folder / "config.json", config)
    state = dict(model.state_dict())
    state["text_model.embeddings.position_ids"] = torch.arange(16).unsqueeze(0)
    state["vision_model.embeddings.position_ids"] = torch.arange(17).unsqueeze(0)
    torch.save(state, folder / "pytorch_model.bin")
    save_vocabulary(folder, vocabulary, merges)
    write_json(folder / "preprocessor_config.json", {
        "crop_size": 32, "do_center_crop": True, "do_normalize": True, "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": MEAN, "image_std": STD, "resample": 3,
        "size": 32})
    embed_folder(folder, folder)

    # bfloat16 in several files, and the end token's id wrong, as before transformers 4.31.
    folder = CLIP / "legacy-eos-bf16"
    tiny_model(4, vocabulary, 2, text, vision, 12).bfloat16().save_pretrained(folder, max_shard_size="15KB")
    save_tokenizer(folder, vocabulary, merges, 16)
    write_json(folder / "preprocessor_config.json", config_json(processor()))
    embed_folder(folder, folder)


def embed_folder(checkpoint, folder):
    """Writes golden.json (texts, ids, image names) and golden.safetensors (embeddings, not normalised)."""
    model = CLIPModel.from_pretrained(checkpoint, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = CLIPTokenizer.from_pretrained(checkpoint)
    length = model.config.text_config.max_position_embeddings
    ids = [tokenizer(text, truncation=True, max_length=length)["input_ids"] for text in TEXTS]
    files = sorted(file for file in (ENCODE / "images").iterdir() if file.suffix == ".png")
    settings = json.loads((Path(checkpoint) / "preprocessor_config.json").read_text())
    prepare = CLIPImageProcessorPil(**{key: settings[key] for key in processor() if key in settings})
    values = prepare([read_rgb(file) for file in files], return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        texts = torch.cat([model.get_text_features(torch.tensor([one])).pooler_output for one in ids])
        pictures = model.get_image_features(values).pooler_output
        check_padding(model, tokenizer, length, texts)
    save_file({"texts": texts.numpy(), "images": pictures.numpy()}, folder / "golden.safetensors")
    write_json(folder / "golden.json", {"texts": TEXTS, "ids": ids, "images": [file.name for file in files]})


def check_padding(model, tokenizer, length, alone):
    """`transformers` itself must not care for padding; `texts` were encoded one by one."""
    batch = tokenizer(TEXTS, truncation=True, max_length=length, padding=True, return_tensors="pt")
    padded = model.get_text_features(**batch).pooler_output
    difference = (padded - alone).abs().max().item()
    assert difference < 1e-4, difference


def embed(arguments):
    folder = CLIP / arguments.name
    folder.mkdir(parents=True, exist_ok=True)
    embed_folder(arguments.checkpoint, folder)


# ---------------------------------------------------------------- tokens


def tokens(arguments):
    """Ids of every caption under CLIP's own vocabulary: a checksum over (count, ids), 32-bit little-endian each."""
    tokenizer = CLIPTokenizer.from_pretrained(arguments.vocabulary)
    captions = [it["caption"] for it in json.loads(Path(arguments.captions).read_text())["annotations"]]
    ids = tokenizer(captions, truncation=True, max_length=77)["input_ids"]
    digest, count = hashlib.sha256(), 0
    for one in ids:
        digest.update(struct.pack(f"<{len(one) + 1}I", len(one), *one))
        count += len(one)
    odd = [index for index, text in enumerate(captions) if not text.isascii()][:3]
    write_json(ENCODE / "coco-tokens.json", {
        "captions": len(captions), "tokens": count, "sha256": digest.hexdigest(),
        "examples": [{"caption": captions[at], "ids": ids[at]} for at in [0, 1, *odd]],
        "texts": [{"caption": text, "ids": one} for text, one in
                  zip(TEXTS, tokenizer(TEXTS, truncation=True, max_length=77)["input_ids"])],
    })


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("images").set_defaults(run=images)
    commands.add_parser("checkpoints").set_defaults(run=checkpoints)
    command = commands.add_parser("tokens")
    command.add_argument("--vocabulary", required=True, type=Path)
    command.add_argument("--captions", required=True, type=Path)
    command.set_defaults(run=tokens)
    command = commands.add_parser("embed")
    command.add_argument("--checkpoint", required=True, type=Path)
    command.add_argument("--name", required=True)
    command.set_defaults(run=embed)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    arguments.run(arguments)


if __name__ == "__main__":
    main()
