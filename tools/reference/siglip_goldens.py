"""Golden references for encoder-siglip and its tokenizers, made with `transformers`, `sentencepiece` and Pillow.

Run from the workspace's root with the packages of `requirements.txt`:

    python tools/reference/siglip_goldens.py tokens --captions captions_val2017.json
    python tools/reference/siglip_goldens.py checkpoints   # after `tokens`, and `images` of clip_goldens.py
    python tools/reference/siglip_goldens.py real --folder DIR   # a random SigLIP B/16 of the real size

`tokens` trains the two tokenizers in small on COCO's captions, as no original file can be part of the repository: a
unigram model with T5's settings for SigLIP, byte-pair merges with Gemma's for SigLIP 2; each as a SentencePiece model
and as a `tokenizer.json` like the published ones. Their ids are those of `transformers`' `SiglipTokenizer` and
`Siglip2Tokenizer`. `checkpoints` writes tiny random checkpoints with what `SiglipModel` makes of texts and images; so does `real`, for
`cargo run -p encoder-siglip --example compare -- DIR`, and not for the repository.
Everything is seeded: a second run writes the same bytes.
"""

import argparse
import hashlib
import io
import json
import re
import string
import struct
import tempfile
import warnings
from pathlib import Path

import sentencepiece
import torch
from clip_goldens import ENCODE, ROOT, TEXTS, read_rgb, write_json
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import Siglip2Tokenizer, SiglipConfig, SiglipImageProcessorPil, SiglipModel, SiglipTokenizer
from transformers.convert_slow_tokenizer import generate_merges, import_protobuf

SIGLIP = ROOT / "crates/encoder-siglip/tests/golden"
TOKENS = {"siglip": ENCODE / "siglip", "siglip2": ENCODE / "siglip2"}
CONTEXT = 64

# Beside CLIP's: what the clean-up, the character map and the byte fallback meet.
MORE_TEXTS = [
    " A leading space; \"a quoted one\" - and a dash",
    "!?! a mark first",
    "\ufb01ve \uff21\uff22\uff23 and e\u0301 and \u00a0 no break\u2026",
    "\u0130STANBUL \u03a3\u039f\u03a6\u039f\u03a3 \u00c9T\u00c9",
    "tabs\tand\x1cseparators\x1f and\u3000wide spaces",
    "a_b-c/d 1,000.50 $5 50%",
    "\u2581 a lower one eighth block \u2581a",
]

# A character map small enough for the repository; the published models carry nmt_nfkc, a quarter of a megabyte.
CHARACTER_RULES = [
    ("\ufb01", "fi"), ("\uff21", "A"), ("\uff41", "a"), ("\uff42", "b"), ("\uff43", "c"), ("e\u0301", "\u00e9"),
    ("\u00a0", " "), ("\u3000", " "), ("\u2026", "..."), ("\u00bd", "1/2"), ("\u200d", ""), ("\t", " "),
    ("\u2581", " "),
]


def texts():
    """All test texts. Without those of CLIP that spell a special token: `transformers` gives its id even where it comes
    from a user, the models' own pipelines do not."""
    return [text for text in [*TEXTS, *MORE_TEXTS] if "<|" not in text]


# ---------------------------------------------------------------- tokens


def canonical(text):
    text = text.lower().translate(str.maketrans("", "", string.punctuation))
    return re.sub(r"\s+", " ", text).strip()


def train(lines, **settings):
    """A SentencePiece model's bytes."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=out, num_threads=1, minloglevel=2, **settings)
    return out.getvalue()


def train_siglip(lines):
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        for source, target in CHARACTER_RULES:
            rules.write("\t".join(" ".join(f"{ord(c):04X}" for c in side) for side in (source, target)) + "\n")
        rules.flush()
        model = train(
            [canonical(line) for line in lines], model_type="unigram", vocab_size=1500, character_coverage=1.0, pad_id=0,
            eos_id=1, unk_id=2, bos_id=-1, normalization_rule_tsv=rules.name)
    proto = import_protobuf().ModelProto.FromString(model)
    # The name of a temporary file.
    proto.normalizer_spec.ClearField("normalization_rule_tsv")
    return proto.SerializeToString()


def train_siglip2(lines):
    return train(
        [line.lower() for line in lines], model_type="bpe", vocab_size=1500, character_coverage=0.999, byte_fallback=True,
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, eos_piece="<eos>", bos_piece="<bos>", split_digits=True, normalization_rule_name="identity",
        add_dummy_prefix=False, remove_extra_whitespaces=False, allow_whitespace_only_pieces=True)


def siglip_json(model):
    """`tokenizer.json` as google/siglip-base-patch16-224 has it: T5's pipeline after the clean-up."""
    proto = import_protobuf().ModelProto.FromString(model)
    tokenizer = Tokenizer(models.Unigram([(it.piece, it.score) for it in proto.pieces], unk_id=2, byte_fallback=False))
    punctuation = "[" + "".join("\\" + it for it in string.punctuation) + "]"
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Lowercase(), normalizers.Replace(Regex(punctuation), ""), normalizers.Replace(Regex(r"\s+"), " "),
        normalizers.Strip(), normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap),
        normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "\u2581")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="\u2581", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(single=["$A", "</s>"], special_tokens=[("</s>", 1)])
    return tokenizer


def siglip2_json(model):
    """`tokenizer.json` as Gemma has it: no lower case, and a start token that SigLIP 2 was not trained with."""
    slow = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = {slow.id_to_piece(index): index for index in range(slow.get_piece_size())}
    merges = generate_merges(pieces, {piece: slow.get_score(index) for piece, index in pieces.items()})
    tokenizer = Tokenizer(models.BPE(pieces, merges, fuse_unk=True, unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(["<pad>", "<eos>", "<bos>", "<unk>"])
    tokenizer.post_processor = processors.TemplateProcessing(single=["<bos>", "$A"], special_tokens=[("<bos>", 2)])
    return tokenizer, pieces, merges


def reference(name):
    """From texts to ids by `transformers`, filled up to the context."""
    folder = TOKENS[name]
    if name == "siglip":
        tokenizer = SiglipTokenizer(str(folder / "spiece.model"))
    else:
        settings = json.loads((folder / "tokenizer.json").read_text())["model"]
        tokenizer = Siglip2Tokenizer(settings["vocab"], [tuple(it) for it in settings["merges"]], padding_side="right")
        tokenizer._tokenizer.post_processor = processors.TemplateProcessing(
            single=["$A", "<eos>"], special_tokens=[("<eos>", 1)])
    return lambda lines, context=CONTEXT: tokenizer(
        lines, truncation=True, padding="max_length", max_length=context)["input_ids"]


def tokens(arguments):
    captions = [it["caption"] for it in json.loads(arguments.captions.read_text())["annotations"]]
    for folder in TOKENS.values():
        folder.mkdir(parents=True, exist_ok=True)
    model = train_siglip(captions)
    (TOKENS["siglip"] / "spiece.model").write_bytes(model)
    siglip_json(model).save(str(TOKENS["siglip"] / "tokenizer.json"), pretty=False)
    model = train_siglip2(captions)
    (TOKENS["siglip2"] / "tokenizer.model").write_bytes(model)
    siglip2_json(model)[0].save(str(TOKENS["siglip2"] / "tokenizer.json"), pretty=False)
    odd = [text for text in captions if not text.isascii() or text != text.strip()][:4]
    for name, folder in TOKENS.items():
        ids = reference(name)
        every = ids(captions)
        some = [*texts(), *captions[:2], *odd]
        write_json(folder / "golden.json", {
            "captions": len(captions), "sha256": hashlib.sha256(b"".join(
                struct.pack(f"<{CONTEXT}I", *one) for one in every)).hexdigest(),
            "texts": [{"text": text, "ids": trimmed(one)} for text, one in zip(some, ids(some))]})


def trimmed(ids):
    """Without what is the same in all that is shorter: the padding after the first of it."""
    last = ids[-1]
    while len(ids) > 1 and ids[-2] == last:
        ids = ids[:-1]
    return ids


# ---------------------------------------------------------------- checkpoints


def tiny_model(seed, text, vision):
    torch.manual_seed(seed)
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).eval()
    with torch.no_grad():
        for name, value in sorted(model.named_parameters()):
            # Nothing stays at its neutral value, or a forgotten bias would go unseen.
            norm = "norm" in name and name.endswith("weight")
            value.copy_(torch.randn(value.shape) * 0.2 + norm)
    return model


def processor(side, **changes):
    """`preprocessor_config.json` of google/siglip-base-patch16-224, for another size."""
    return {
        "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": [0.5] * 3,
        "image_processor_type": "SiglipImageProcessor", "image_std": [0.5] * 3, "processor_class": "SiglipProcessor",
        "resample": 3, "rescale_factor": 1 / 255, "size": {"height": side, "width": side}, **changes}


def checkpoints(_):
    text = dict(vocab_size=1500, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=3,
                max_position_embeddings=24)
    vision = dict(hidden_size=12, intermediate_size=18, num_hidden_layers=2, num_attention_heads=2, image_size=32,
                  patch_size=8)

    # SigLIP, single precision.
    folder = SIGLIP / "siglip-f32"
    tiny_model(1, text, vision).save_pretrained(folder)
    write_json(folder / "preprocessor_config.json", processor(32))
    embed_folder(folder, "siglip")

    # SigLIP 2 in bfloat16 and several files: projected texts, an image that the patches do not fill, resampled as its
    # files say.
    folder = SIGLIP / "siglip2-bf16"
    large = dict(vision, hidden_size=16, num_attention_heads=4, num_hidden_layers=3, image_size=30, patch_size=7)
    small = dict(text, num_hidden_layers=1, projection_size=16, max_position_embeddings=16)
    tiny_model(2, small, large).bfloat16().save_pretrained(folder, max_shard_size="45KB")
    write_json(folder / "preprocessor_config.json", processor(30, resample=2, do_convert_rgb=None))
    embed_folder(folder, "siglip2")

    # A PyTorch archive in half precision with buffers, the other activation, and the first revision's `mean` and `std`.
    folder = SIGLIP / "siglip-pickle-f16"
    folder.mkdir(parents=True, exist_ok=True)
    other = dict(hidden_act="gelu", layer_norm_eps=1e-5)
    model = tiny_model(3, {**text, **other, "max_position_embeddings": 16}, {**vision, **other}).half()
    model.config.to_json_file(folder / "config.json")
    state = dict(model.state_dict())
    state["text_model.embeddings.position_ids"] = torch.arange(16).unsqueeze(0)
    state["vision_model.embeddings.position_ids"] = torch.arange(16).unsqueeze(0)
    torch.save(state, folder / "pytorch_model.bin")
    old = processor(32)
    old["mean"], old["std"] = old.pop("image_mean"), old.pop("image_std")
    write_json(folder / "preprocessor_config.json", old)
    embed_folder(folder, "siglip")


def real(arguments):
    """SigLIP B/16 at 224 pixels with the weights that training starts from, all moved a little from neutral values."""
    torch.manual_seed(4)
    model = SiglipModel(SiglipConfig()).eval()
    with torch.no_grad():
        for _, value in sorted(model.named_parameters()):
            value.add_(torch.randn(value.shape) * 0.02)
    model.save_pretrained(arguments.folder)
    write_json(arguments.folder / "preprocessor_config.json", processor(224))
    embed_folder(arguments.folder, "siglip")


def embed_folder(folder, tokenizer):
    """Writes golden.json (texts, ids, image names) and golden.safetensors (embeddings, not normalised)."""
    model = SiglipModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    lines = texts()
    ids = reference(tokenizer)(lines, model.config.text_config.max_position_embeddings)
    files = sorted(file for file in (ENCODE / "images").iterdir() if file.suffix == ".png")
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    known = {key: settings[key] for key in ("size", "resample", "image_mean", "image_std") if key in settings}
    prepare = SiglipImageProcessorPil(**known)
    values = prepare([read_rgb(file) for file in files], return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        rows = model.get_text_features(torch.tensor(ids)).pooler_output
        pictures = model.get_image_features(values).pooler_output
    save_file({"texts": rows.contiguous(), "images": pictures.contiguous()}, folder / "golden.safetensors")
    write_json(folder / "golden.json", {
        "tokenizer": tokenizer, "texts": lines, "ids": [trimmed(one) for one in ids],
        "images": [file.name for file in files]})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("tokens")
    command.add_argument("--captions", required=True, type=Path)
    command.set_defaults(run=tokens)
    commands.add_parser("checkpoints").set_defaults(run=checkpoints)
    command = commands.add_parser("real")
    command.add_argument("--folder", required=True, type=Path)
    command.set_defaults(run=real)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    arguments.run(arguments)


if __name__ == "__main__":
    main()
