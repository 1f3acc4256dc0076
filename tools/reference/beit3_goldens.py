"""Golden references for encoder-beit3, made with `torchscale`.

Run from the workspace's root with the packages of `requirements.txt`, after `clip_goldens.py images` and
`sentencepiece_goldens.py models` and `xlm`:

    python tools/reference/beit3_goldens.py

torchscale wants fairscale, of which it uses nothing here; both install with `--no-deps`. The heads are those of the
authors' `BEiT3ForRetrieval` (microsoft/unilm, beit3/modeling_finetune.py at 1a10544), rebuilt on torchscale's BEiT3, and
positions are resized as their `load_model_and_may_interpolate` does. Texts go through the model one by one and once more
in one batch, padded and masked as the authors' data sets do; the script fails where the two differ. Everything is seeded:
a second run writes the same bytes.
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torchscale.architecture.config import EncoderConfig
from torchscale.model.BEiT3 import BEiT3
from torchvision import transforms

ROOT = Path(__file__).resolve().parents[2]
BEIT3 = ROOT / "crates/encoder-beit3/tests/golden"
ENCODE = ROOT / "crates/nnn-encode/tests/golden"
POSITIONS = "beit3.encoder.embed_positions.A.weight"
PAD, LONGEST = 1, 64

BASE = dict(encoder_embed_dim=24, encoder_layers=3, encoder_attention_heads=3, encoder_ffn_embed_dim=96)
LARGE = dict(encoder_embed_dim=32, encoder_layers=4, encoder_attention_heads=4, encoder_ffn_embed_dim=128)
# Name: layers, the checkpoint's image size, the configuration's, number type, form on disk.
CHECKPOINTS = {
    "base-384-f16": (BASE, 48, 48, torch.float16, "pth"),
    "large-224-f32": (LARGE, 32, 32, torch.float32, "safetensors"),
    "itc-resized-bf16": (BASE, 28, 48, torch.bfloat16, "safetensors"),
}


class Retrieval(torch.nn.Module):
    """The authors' heads without what only training needs; features before they are normalised."""

    def __init__(self, config):
        super().__init__()
        self.beit3 = BEiT3(config)
        width = config.encoder_embed_dim
        self.language_head = torch.nn.Linear(width, width, bias=False)
        self.vision_head = torch.nn.Linear(width, width, bias=False)
        self.logit_scale = torch.nn.Parameter(torch.ones([]) * np.log(1 / 0.07))

    def images(self, pixels):
        out = self.beit3(textual_tokens=None, visual_tokens=pixels, text_padding_position=None)
        return self.vision_head(out["encoder_out"][:, 0, :])

    def texts(self, ids, mask):
        out = self.beit3(textual_tokens=ids, visual_tokens=None, text_padding_position=mask)
        return self.language_head(out["encoder_out"][:, 0, :])


def settings(size, layers, vocabulary):
    """`config.json`, and what torchscale makes of it as unilm's `modeling_utils.py` does."""
    return dict(model_type="beit3", img_size=size, patch_size=8, vocab_size=vocabulary, max_source_positions=70, **layers)


def model(size, layers, vocabulary):
    chosen = settings(size, layers, vocabulary)
    del chosen["model_type"]
    return Retrieval(EncoderConfig(
        multiway=True, layernorm_embedding=False, normalize_output=True, no_output_layer=True, drop_path_rate=0,
        checkpoint_activations=None, **chosen)).eval()


def randomised(built, seed):
    """Nothing stays at its neutral value, or a forgotten bias would go unseen."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, value in sorted(built.named_parameters()):
            norm = ("norm" in name or "_ln" in name) and name.endswith("weight")
            value.copy_(torch.randn(value.shape) * (1 / value.shape[-1] ** 0.5 if value.dim() > 1 else 0.2) + norm)
    return built


def resized(state, built):
    """The authors' `load_model_and_may_interpolate`, for positions."""
    patches = built.beit3.vision_embed.num_patches
    extra = built.beit3.vision_embed.num_position_embeddings() + 2 - patches
    table = state[POSITIONS]
    old, new = int((table.shape[-2] - extra) ** 0.5), int(patches ** 0.5)
    if old == new:
        return state
    kept, grid = table[:extra].unsqueeze(0), table[extra:].reshape(-1, old, old, table.shape[-1]).permute(0, 3, 1, 2)
    grid = torch.nn.functional.interpolate(grid, size=(new, new), mode="bicubic", align_corners=False)
    table = torch.cat((kept, grid.permute(0, 2, 3, 1).flatten(1, 2)), dim=1).squeeze(0)
    return {**state, POSITIONS: table}


def pixels(size):
    """What the authors' `build_transform` makes of the test images."""
    prepare = transforms.Compose([
        transforms.Resize((size, size), interpolation=transforms.InterpolationMode.BICUBIC), transforms.ToTensor(),
        transforms.Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))])
    files = sorted(file for file in (ENCODE / "images").iterdir() if file.suffix == ".png")
    return [file.name for file in files], torch.stack([prepare(Image.open(file).convert("RGB")) for file in files])


def token_ids():
    """The first texts of `sentencepiece_goldens.py xlm` that have tokens, as `XLMRobertaTokenizer` gives them."""
    texts = json.loads((ENCODE / "sentencepiece/texts.json").read_text())
    ids = json.loads((ENCODE / "sentencepiece/xlm-unigram.json").read_text())["ids"]
    return zip(*[(text, one) for text, one in zip(texts, ids) if len(one) > 2][:40])


def encode_texts(built, ids):
    alone = torch.cat([built.texts(torch.tensor([one]), torch.zeros(1, len(one))) for one in ids])
    padded = torch.tensor([one + [PAD] * (LONGEST - len(one)) for one in ids])
    mask = torch.tensor([[0] * len(one) + [1] * (LONGEST - len(one)) for one in ids])
    together = built.texts(padded, mask)
    difference = (alone - together).abs().max().item()
    print(f"  alone and padded under a mask differ by at most {difference:.1e} of {alone.abs().max().item():.1f}")
    assert difference < 1e-5, difference
    return together


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")


def main():
    texts, ids = token_ids()
    vocabulary = max(max(one) for one in ids) + 9
    for seed, (name, (layers, stored, size, dtype, form)) in enumerate(CHECKPOINTS.items()):
        print(name)
        folder = BEIT3 / name
        folder.mkdir(parents=True, exist_ok=True)
        state = randomised(model(stored, layers, vocabulary), seed).state_dict()
        state = {key: value.to(dtype).contiguous() for key, value in state.items()}
        if form == "pth":
            torch.save({"model": state}, folder / "beit3_tiny_patch8_48_retrieval.pth")
        else:
            save_file(state, folder / "model.safetensors")
        built = model(size, layers, vocabulary)
        built.load_state_dict(resized({key: value.float() for key, value in state.items()}, built))
        names, values = pixels(size)
        with torch.no_grad():
            features = {"images": built.images(values), "texts": encode_texts(built, ids)}
        save_file({key: value.contiguous() for key, value in features.items()}, folder / "golden.safetensors")
        write_json(folder / "golden.json", {"texts": texts, "ids": ids, "images": names})
        write_json(folder / "config.json", settings(size, layers, vocabulary))
        write_json(folder / "preprocessor_config.json", {
            "image_processor_type": "BlipImageProcessor",
            "do_resize": True, "size": {"height": size, "width": size}, "resample": 3,
            "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3})


if __name__ == "__main__":
    main()
