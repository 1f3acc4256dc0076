"""Golden references for encoder-albef, made with `salesforce-lavis`, which carries the authors' model code.

Run from the workspace's root with the packages of `requirements-albef.txt`, after `clip_goldens.py images` and
`blip_goldens.py vocabulary`:

    python tools/reference/albef_goldens.py checkpoints  # tiny random checkpoints with their outputs
    python tools/reference/albef_goldens.py tokens --captions captions_val2017.json

The vision transformer, the BERT with its text and fusion modes, and the interpolation of positions are those of LAVIS; its
packages are entered past their `__init__`, which import what is not needed here. How they go together, the cleaning of
captions, 30 tokens, the token types (which LAVIS leaves out) and the score are those of the authors' own repository
(salesforce/ALBEF at b9727e43c3040491774d1b22cc27718aa7772fac: Retrieval.py, dataset/utils.py, models/model_retrieval.py).
Everything is seeded: a second run writes the same bytes.
"""

import argparse
import hashlib
import json
import re
import struct
import sys
import types
import warnings
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors
from transformers import BertTokenizer

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "crates/nnn-encode/tests/golden/images"
VOCABULARY = ROOT / "crates/nnn-encode/tests/golden/wordpiece/vocab.txt"
ALBEF = ROOT / "crates/encoder-albef/tests/golden"
CONTEXT, WORDS = 30, 30
MEAN = np.array([0.48145466, 0.4578275, 0.40821073])
STD = np.array([0.26862954, 0.26130258, 0.27577711])

TEXTS = [
    "a man riding a wave on top of a surfboard",
    "A MAN'S (left) wave: \"big\"!!",
    "two small green triangles; on a striped background...",
    "it's the dog's ball, they're playing & we've won",
    "  several   spaces,\ttabs\n\nand lines  ",
    "caf\u00e9 and cafe\u0301 with \u00dcml\u00e4uts, na\u00efve \u0130stanbul",
    "12 cats, 345 dogs and 6,789.50 birds in 2024",
    "\u4e00\u53ea\u732b and \U0001f408\u200d\u2b1b on a mat \u2014 \u201cquoted\u201d\u2026",
    "black-and-white w/ #hash @at 50% a_b c/d e\\f <person>",
    "an [UNK] or a [SEP] in the middle",
    "giraffe " * 50,
    "supercalifragilistic" * 8,
    "?!...",
    "",
]


def lavis():
    """LAVIS's modules of the model, without its packages' `__init__`."""
    home = Path(distribution("salesforce-lavis").locate_file("lavis"))
    for part in ["", "models", "common"]:
        name = f"lavis.{part}".strip(".")
        package = types.ModuleType(name)
        package.__path__ = [str(home / part)]
        sys.modules[name] = package
    # Of these, the modules below import two functions that find files, and call neither.
    utils = types.ModuleType("lavis.common.utils")
    utils.get_abs_path = utils.is_url = None
    sys.modules["lavis.common.utils"] = utils
    from lavis.models import med, vit
    return med, vit


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=True) + "\n")


def clean(caption):
    """The authors' rule: marks go, hyphens and slashes become spaces, runs of white space one; at most 30 words."""
    bare = re.sub(r"[,.'!?\"()*#:;~]", "", caption.lower())
    spaced = bare.replace("-", " ").replace("/", " ").replace("<person>", "person")
    words = re.sub(r"\s{2,}", " ", spaced).rstrip("\n").strip(" ").split(" ")
    return " ".join(words[:WORDS])


def ids_of(texts):
    tokenizer = BertTokenizer(str(VOCABULARY))
    return [tokenizer(clean(text), truncation=True, max_length=CONTEXT)["input_ids"] for text in texts]


def pixels(file, side):
    """torchvision's Resize((side, side), BICUBIC), ToTensor and Normalize, of a PIL image."""
    image = Image.open(file).convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    values = (np.asarray(image) / 255 - MEAN) / STD
    return torch.tensor(values.transpose(2, 0, 1), dtype=torch.float32)


class Model(torch.nn.Module):
    """The parts of the authors' `ALBEF` for retrieval that its evaluation reads."""

    def __init__(self, card):
        super().__init__()
        med, vit = lavis()
        vision, text = card["vision_config"], card["bert_config"]
        self.visual_encoder = vit.VisionTransformer(
            img_size=card["image_res"], patch_size=vision["patch_size"], embed_dim=vision["embed_dim"],
            depth=vision["depth"], num_heads=vision["num_heads"], mlp_ratio=vision["mlp_ratio"], qkv_bias=True)
        config = med.BertConfig(**text, add_type_embeddings=True, add_cross_attention=True)
        self.text_encoder = med.XBertEncoder(config, add_pooling_layer=False)
        self.vision_proj = torch.nn.Linear(vision["embed_dim"], card["embed_dim"])
        self.text_proj = torch.nn.Linear(text["hidden_size"], card["embed_dim"])
        self.itm_head = torch.nn.Linear(text["hidden_size"], 2)
        self.interpolate = vit.interpolate_pos_embed

    def text_states(self, ids):
        types = torch.zeros_like(ids)
        return self.text_encoder(ids, attention_mask=torch.ones_like(ids), token_type_ids=types, return_dict=True,
                                 mode="text").last_hidden_state

    def matching(self, texts, images):
        mask = torch.ones(texts.shape[:2], dtype=torch.long)
        output = self.text_encoder(
            encoder_embeds=texts, attention_mask=mask, encoder_hidden_states=images,
            encoder_attention_mask=torch.ones(images.shape[:2], dtype=torch.long), return_dict=True, mode="fusion")
        return self.itm_head(output.last_hidden_state[:, 0])[:, 1]


def tiny(seed, card):
    torch.manual_seed(seed)
    model = Model(card).eval()
    with torch.no_grad():
        for name, value in sorted(model.named_parameters()):
            # Nothing stays at its neutral value, or a forgotten bias would go unseen.
            value.copy_(torch.randn(value.shape) * 0.2 + ("norm" in name.lower() and name.endswith("weight")))
    return model


def card(fusion):
    pieces = len(VOCABULARY.read_text().splitlines())
    text = dict(
        hidden_act="gelu", hidden_size=12, intermediate_size=20, layer_norm_eps=1e-12, max_position_embeddings=40,
        num_attention_heads=3, num_hidden_layers=3, pad_token_id=0, type_vocab_size=2, vocab_size=pieces,
        fusion_layer=fusion, encoder_width=10)
    vision = dict(patch_size=8, embed_dim=10, depth=2, num_heads=2, mlp_ratio=2)
    return dict(model_type="albef", image_res=32, embed_dim=8, vision_config=vision, bert_config=text)


def trained(model):
    """The state as training leaves it."""
    state = {name: value.clone() for name, value in model.state_dict().items()}
    for name in ["visual_encoder.norm.weight", "vision_proj.bias", "text_proj.bias",
                 "text_encoder.embeddings.LayerNorm.weight"]:
        part, rest = name.split(".", 1)
        state[f"{part}_m.{rest}"] = state[name].clone()
    state["image_queue"], state["text_queue"] = torch.zeros(8, 4), torch.zeros(8, 4)
    state["idx_queue"] = torch.full((1, 4), -100)
    state["queue_ptr"] = torch.zeros(1, dtype=torch.long)
    state["temp"] = torch.tensor(0.05)
    return state


def checkpoints(_):
    # As fine-tuned for retrieval, in a file that executes nothing.
    folder, settings = ALBEF / "finetuned", card(1)
    model = tiny(1, settings)
    save(folder, settings)
    save_tensors(trained(model), folder / "model.safetensors")
    embed_folder(folder, model, 32)

    # As pre-trained: BERT within its masked language model, and positions of a 3 x 3 grid for a model of 4 x 4 patches.
    folder, settings = ALBEF / "pretrained", card(2)
    model = tiny(2, settings)
    state = {name.replace("text_encoder.", "text_encoder.bert."): value for name, value in trained(model).items()}
    state["text_encoder.cls.predictions.bias"] = torch.zeros(5)
    state["visual_encoder.pos_embed"] = torch.randn(1, 10, 10) * 0.2
    save(folder, settings)
    torch.save({"model": state, "optimizer": {"state": {}}, "config": {"image_res": 32}, "epoch": 4}, folder / "albef.pth")
    positions = model.interpolate(state["visual_encoder.pos_embed"], model.visual_encoder)
    model.visual_encoder.pos_embed.data.copy_(positions)
    embed_folder(folder, model, 32)


def save(folder, settings):
    """Everything but the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    preprocessor = dict(
        do_resize=True, size={"height": 32, "width": 32}, resample=3, do_rescale=True, rescale_factor=1 / 255,
        do_normalize=True, image_mean=MEAN.tolist(), image_std=STD.tolist(), image_processor_type="BlipImageProcessor")
    write_json(folder / "card.json", {"config.json": settings, "preprocessor_config.json": preprocessor})
    (folder / "vocab.txt").write_bytes(VOCABULARY.read_bytes())


@torch.no_grad()
def embed_folder(folder, model, side):
    """golden.json: texts, ids, image names. golden.safetensors: embeddings, not normalised; logits of a match, (images,
    texts)."""
    ids = ids_of(TEXTS)
    files = sorted(file for file in IMAGES.iterdir() if file.suffix == ".png")
    images = model.visual_encoder(torch.stack([pixels(file, side) for file in files]))
    states = [model.text_states(torch.tensor([one])) for one in ids]
    logits = [model.matching(one.expand(len(files), -1, -1), images) for one in states]
    tensors = {"texts": torch.cat([model.text_proj(one[:, 0]) for one in states]),
               "images": model.vision_proj(images[:, 0]), "itm": torch.stack(logits, 1)}
    save_file({name: np.ascontiguousarray(value.numpy()) for name, value in tensors.items()},
              folder / "golden.safetensors")
    write_json(folder / "golden.json", {"texts": TEXTS, "ids": ids, "images": [file.name for file in files]})


def tokens(arguments):
    """Ids of every caption: a checksum over (count, ids), 32-bit little-endian each."""
    captions = [it["caption"] for it in json.loads(arguments.captions.read_text())["annotations"]]
    ids = ids_of(captions)
    digest = hashlib.sha256()
    for one in ids:
        digest.update(struct.pack(f"<{len(one) + 1}I", len(one), *one))
    write_json(ALBEF / "coco-tokens.json", {
        "captions": len(captions), "tokens": sum(map(len, ids)), "sha256": digest.hexdigest()})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("checkpoints").set_defaults(run=checkpoints)
    command = commands.add_parser("tokens")
    command.add_argument("--captions", required=True, type=Path)
    command.set_defaults(run=tokens)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    arguments.run(arguments)


if __name__ == "__main__":
    main()
