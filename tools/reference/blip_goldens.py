"""Golden references for encoder-blip, made with `transformers` and PyTorch.

Run from the workspace's root with the packages of `requirements.txt`, after `clip_goldens.py images`:

    python tools/reference/blip_goldens.py vocabulary --captions captions_val2017.json  # a WordPiece vocabulary
    python tools/reference/blip_goldens.py checkpoints  # tiny random checkpoints with their outputs
    python tools/reference/blip_goldens.py tokens --captions captions_val2017.json
    python tools/reference/blip_goldens.py positions  # of a 4 x 4 grid, interpolated

BERT's own vocabulary is not to be had without a network, so `vocabulary` trains a small one on COCO's captions; all else
of the tokenizer is as in BERT. Everything is seeded: a second run writes the same bytes.

Captions are cleaned as by `pre_caption` of the authors' data/utils.py, and the matching head sees [ENC] in place of [CLS] as
in their train_retrieval.py (salesforce/BLIP at 056a169437371659074aa2732649d5de3bffb4a8); `transformers` does neither.
"""

import argparse
import hashlib
import json
import re
import struct
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import BertTokenizer, BlipConfig, BlipForImageTextRetrieval
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "crates/nnn-encode/tests/golden/images"
VOCABULARY = ROOT / "crates/nnn-encode/tests/golden/wordpiece/vocab.txt"
BLIP = ROOT / "crates/encoder-blip/tests/golden"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CONTEXT, WORDS = 35, 30

TEXTS = [
    "a man riding a wave on top of a surfboard",
    "A MAN (left) rides: a \"wave\"!!",
    "two small green triangles; on a striped background...",
    "it's the dog's ball, they're playing & we've won",
    "  several   spaces,\ttabs\n\nand lines  ",
    "caf\u00e9 and cafe\u0301 with \u00dcml\u00e4uts, na\u00efve \u0130stanbul",
    "12 cats, 345 dogs and 6,789.50 birds in 2024",
    "\u4e00\u53ea\u732b and \U0001f408\u200d\u2b1b on a mat \u2014 \u201cquoted\u201d\u2026",
    "black-and-white w/ #hash @at 50% a_b c/d e\\f <person>",
    "an [ENC] or a [SEP] in the middle",
    "giraffe " * 50,
    "supercalifragilistic" * 8,
    "?!...",
    "",
]


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=True) + "\n")


def clean(caption):
    """The authors' rule: seven marks and brackets become spaces, runs of white space one; at most 30 words."""
    spaced = re.sub(r"[.!\"()*#:;~]", " ", caption.lower())
    words = re.sub(r"\s{2,}", " ", spaced).rstrip("\n").strip(" ").split(" ")
    return " ".join(words[:WORDS])


def captions_of(file):
    return [it["caption"] for it in json.loads(Path(file).read_text())["annotations"]]


def vocabulary(arguments):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=700, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(captions_of(arguments.captions), trainer)
    # The trainer gives ids in no fixed order.
    pieces = [*SPECIAL, *sorted(set(tokenizer.get_vocab()) - set(SPECIAL))]
    VOCABULARY.parent.mkdir(parents=True, exist_ok=True)
    VOCABULARY.write_text("".join(f"{piece}\n" for piece in pieces))


def bert_tokenizer():
    return BertTokenizer(str(VOCABULARY), do_lower_case=True)


def ids_of(tokenizer, texts):
    return tokenizer([clean(text) for text in texts], truncation=True, max_length=CONTEXT)["input_ids"]


def processor(side):
    return dict(
        do_resize=True, size={"height": side, "width": side}, resample=3, do_rescale=True, rescale_factor=1 / 255,
        do_normalize=True, image_mean=[0.48145466, 0.4578275, 0.40821073],
        image_std=[0.26862954, 0.26130258, 0.27577711], do_convert_rgb=True)


def config_json(settings):
    """As on the hub: there the name is that of the first processor."""
    return {**settings, "do_pad": True, "size_divisor": 32, "image_processor_type": "BlipImageProcessor"}


def read_rgb(file):
    image = Image.open(file).convert("RGB")
    image.info.clear()
    return image


def tiny_model(seed, text, vision, dim):
    torch.manual_seed(seed)
    pieces = len(VOCABULARY.read_text().splitlines())
    text = dict(vocab_size=pieces + 2, bos_token_id=pieces, max_position_embeddings=40, **text)
    model = BlipForImageTextRetrieval(
        BlipConfig(text_config=text, vision_config=vision, image_text_hidden_size=dim)).eval()
    with torch.no_grad():
        for name, value in sorted(model.named_parameters()):
            # Nothing stays at its neutral value, or a forgotten bias would go unseen.
            value.copy_(torch.randn(value.shape) * 0.2 + ("norm" in name.lower() and name.endswith("weight")))
    return model


def save_all(folder, model, side):
    """Everything but the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    model.config.architectures = ["BlipForImageTextRetrieval"]
    write_json(folder / "config.json", json.loads(model.config.to_json_string(use_diff=False)))
    write_json(folder / "preprocessor_config.json", config_json(processor(side)))


def checkpoints(_):
    text = dict(hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=3)
    vision = dict(hidden_size=10, intermediate_size=18, num_hidden_layers=2, num_attention_heads=2, image_size=32,
                  patch_size=8)

    # As on the hub: safetensors and tokenizer.json.
    folder = BLIP / "base-f32"
    model = tiny_model(1, text, vision, 8)
    save_all(folder, model, 32)
    model.save_pretrained(folder)
    bert_tokenizer().save_pretrained(folder)
    embed_folder(folder, model, 32)

    # A PyTorch archive at half precision with position_ids, vocab.txt, towers of other depths, an image that the patches do
    # not fill.
    folder = BLIP / "pickle-f16"
    model = tiny_model(2, {**text, "hidden_size": 14, "num_attention_heads": 2, "num_hidden_layers": 3},
                       {**vision, "num_hidden_layers": 1, "image_size": 30, "patch_size": 7}, 9).half().float()
    save_all(folder, model, 30)
    state = {name: value.half() for name, value in model.state_dict().items()}
    state["text_encoder.embeddings.position_ids"] = torch.arange(40).unsqueeze(0)
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "vocab.txt").write_bytes(VOCABULARY.read_bytes())
    embed_folder(folder, model, 30)

    # The authors' names, with what training leaves, and positions of a 3 x 3 grid for a model of 4 x 4 patches.
    folder = BLIP / "authors-f32"
    model = tiny_model(3, text, {**vision, "layer_norm_eps": 1e-6}, 8)
    save_all(folder, model, 32)
    state = authors_state(model)
    small = torch.randn(1, 10, 10) * 0.2
    patches = small[:, 1:].reshape(1, 3, 3, 10).permute(0, 3, 1, 2)
    patches = torch.nn.functional.interpolate(patches, size=(4, 4), mode="bicubic", align_corners=False)
    with torch.no_grad():
        whole = torch.cat([small[:, :1], patches.permute(0, 2, 3, 1).flatten(1, 2)], 1)
        model.vision_model.embeddings.position_embedding.copy_(whole)
    state["visual_encoder.pos_embed"] = small
    torch.save({"model": state, "optimizer": {"state": {}}, "config": {"image_size": 32}, "epoch": 5}, folder / "blip.pth")
    (folder / "vocab.txt").write_bytes(VOCABULARY.read_bytes())
    embed_folder(folder, model, 32)


def authors_state(model):
    """The state under the names of the authors' checkpoints."""
    names = [("vision_model.embeddings.class_embedding", "visual_encoder.cls_token"),
             ("vision_model.embeddings.position_embedding", "visual_encoder.pos_embed"),
             ("vision_model.embeddings.patch_embedding", "visual_encoder.patch_embed.proj"),
             ("vision_model.post_layernorm", "visual_encoder.norm"),
             ("vision_model.encoder.layers", "visual_encoder.blocks"),
             ("self_attn.qkv", "attn.qkv"), ("self_attn.projection", "attn.proj"),
             ("layer_norm1", "norm1"), ("layer_norm2", "norm2")]
    state = {}
    for name, value in model.state_dict().items():
        for ours, theirs in names:
            name = name.replace(ours, theirs)
        state[name] = value.clone().contiguous()
    state["visual_encoder_m.norm.weight"] = state["visual_encoder.norm.weight"].clone()
    state["vision_proj_m.bias"] = state["vision_proj.bias"].clone()
    state["text_proj_m.bias"] = state["text_proj.bias"].clone()
    state["text_encoder_m.embeddings.LayerNorm.weight"] = torch.ones(12)
    state["text_encoder.embeddings.position_ids"] = torch.arange(40).unsqueeze(0)
    state["image_queue"], state["text_queue"] = torch.zeros(8, 4), torch.zeros(8, 4)
    state["idx_queue"] = torch.full((1, 4), -100)
    state["ptr_queue"] = torch.zeros(1, dtype=torch.long)
    state["temp"] = torch.tensor(0.05)
    return state


@torch.no_grad()
def embed_folder(folder, model, side):
    """golden.json: texts, ids, image names. golden.safetensors: embeddings, not normalised; the model's own cosines and
    logits of a match, (images, texts)."""
    ids = ids_of(bert_tokenizer(), TEXTS)
    files = sorted(file for file in IMAGES.iterdir() if file.suffix == ".png")
    values = BlipImageProcessorPil(**processor(side))([read_rgb(file) for file in files], return_tensors="pt")
    values = values["pixel_values"]
    encoder = model.config.text_config.bos_token_id + 1
    texts, cosines, logits = [], [], []
    for one in ids:
        alone = torch.tensor([one])
        texts.append(model.text_proj(model.text_encoder(input_ids=alone).last_hidden_state[:, 0]))
        same = alone.expand(len(files), -1).clone()
        cosines.append(model(input_ids=alone, pixel_values=values, use_itm_head=False).itm_score[:, 0])
        same[:, 0] = encoder
        logits.append(model(input_ids=same, pixel_values=values, use_itm_head=True).itm_score[:, 1])
    images = model.vision_proj(model.vision_model(pixel_values=values).last_hidden_state[:, 0])
    tensors = {"texts": torch.cat(texts), "images": images, "itc": torch.stack(cosines, 1), "itm": torch.stack(logits, 1)}
    save_file({name: np.ascontiguousarray(value.numpy()) for name, value in tensors.items()},
              folder / "golden.safetensors")
    write_json(folder / "golden.json", {"texts": TEXTS, "ids": ids, "images": [file.name for file in files]})


def tokens(arguments):
    """Ids of every caption: a checksum over (count, ids), 32-bit little-endian each."""
    captions = captions_of(arguments.captions)
    ids = ids_of(bert_tokenizer(), captions)
    digest = hashlib.sha256()
    for one in ids:
        digest.update(struct.pack(f"<{len(one) + 1}I", len(one), *one))
    write_json(BLIP / "coco-tokens.json", {
        "captions": len(captions), "tokens": sum(map(len, ids)), "sha256": digest.hexdigest()})


def positions(_):
    torch.manual_seed(4)
    values = torch.randn(1, 17, 3)
    grids = {}
    for grid in [1, 2, 3, 4, 5, 8, 9]:
        patches = values[:, 1:].reshape(1, 4, 4, 3).permute(0, 3, 1, 2)
        patches = torch.nn.functional.interpolate(patches, size=(grid, grid), mode="bicubic", align_corners=False)
        grids[grid] = torch.cat([values[:, :1], patches.permute(0, 2, 3, 1).flatten(1, 2)], 1).flatten().tolist()
    path = ROOT / "crates/nnn-encode/tests/golden/positions.json"
    path.write_text(json.dumps({"positions": values.flatten().tolist(), "grids": grids}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, run in [("vocabulary", vocabulary), ("tokens", tokens)]:
        command = commands.add_parser(name)
        command.add_argument("--captions", required=True, type=Path)
        command.set_defaults(run=run)
    commands.add_parser("checkpoints").set_defaults(run=checkpoints)
    commands.add_parser("positions").set_defaults(run=positions)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    arguments.run(arguments)


if __name__ == "__main__":
    main()
