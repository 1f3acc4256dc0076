"""Golden references for encoder-clip's open_clip layout, made with `open_clip_torch`.

Run from the workspace's root with the packages of `requirements.txt`, after `images` of clip_goldens.py:

    python tools/reference/open_clip_goldens.py

Tiny random checkpoints as `push_to_hf_hub` of open_clip writes them, with what the model makes of texts and images.
Everything is seeded: a second run writes the same bytes.
"""

import copy
import json
import warnings

import open_clip
import torch
from clip_goldens import CLIP, ENCODE, MEAN, STD, TEXTS, read_rgb, save_tokenizer, tiny_vocabulary, write_json
from open_clip.tokenizer import get_clean_fn
from open_clip.transform import PreprocessCfg, image_transform_v2
from safetensors.torch import save_file
from transformers import CLIPTokenizer

CONTEXT = 16


def tiny_model(seed, config):
    torch.manual_seed(seed)
    config = copy.deepcopy(config)
    kind = open_clip.CustomTextCLIP if config.pop("custom_text", False) else open_clip.CLIP
    model = kind(**config).eval()
    with torch.no_grad():
        for name, value in sorted(model.named_parameters()):
            # Nothing stays at its neutral value, or a forgotten bias would go unseen.
            norm = "ln_" in name and name.endswith("weight")
            value.copy_(torch.randn(value.shape) * 0.2 + norm)
    return model


def checkpoint(name, seed, config, preprocess, dtype, file):
    """A folder as on a hub, and golden files: features of the weights as rounded to `dtype`, in single precision."""
    folder = CLIP / name
    vocabulary, merges = tiny_vocabulary()
    config["text_cfg"].update(context_length=CONTEXT, vocab_size=len(vocabulary))
    write_json(folder / "open_clip_config.json", {"model_cfg": config, "preprocess_cfg": preprocess})
    save_tokenizer(folder, vocabulary, merges, CONTEXT)
    model = tiny_model(seed, config).to(dtype)
    state = {key: value.contiguous() for key, value in model.state_dict().items()}
    if file.endswith(".safetensors"):
        save_file(state, folder / file)
    else:
        torch.save(state, folder / file)
    embed(folder, model.float(), PreprocessCfg(**{"size": config["vision_cfg"]["image_size"], **preprocess}))


def embed(folder, model, preprocess):
    tokenizer, clean = CLIPTokenizer.from_pretrained(folder), get_clean_fn("lower")
    ids = [tokenizer(clean(text), truncation=True, max_length=CONTEXT)["input_ids"] for text in TEXTS]
    # Filled up with zeros, as open_clip's own tokenizer does.
    filled = torch.tensor([one + [0] * (CONTEXT - len(one)) for one in ids])
    # Those of clip_goldens.py.
    names = json.loads((CLIP / "quick-gelu-f32/golden.json").read_text())["images"]
    files = [ENCODE / "images" / name for name in names]
    prepare = image_transform_v2(preprocess, is_train=False)
    values = torch.stack([prepare(read_rgb(file)) for file in files])
    with torch.no_grad():
        rows, pictures = model.encode_text(filled), model.encode_image(values)
    save_file({"texts": rows.contiguous(), "images": pictures.contiguous()}, folder / "golden.safetensors")
    write_json(folder / "golden.json", {"texts": TEXTS, "ids": ids, "images": [file.name for file in files]})


def main():
    warnings.filterwarnings("ignore")
    text = dict(width=12, heads=3, layers=2)
    # As timm/vit_base_patch32_clip_224.openai.
    checkpoint(
        "open-clip-quick-gelu-f32", 11,
        dict(embed_dim=12, quick_gelu=True, text_cfg=dict(text),
             vision_cfg=dict(image_size=32, layers=2, width=10, head_width=5, patch_size=8)),
        dict(mean=MEAN, std=STD, interpolation="bicubic", resize_mode="shortest"),
        torch.float32, "open_clip_model.safetensors")
    # As laion/CLIP-ViT-g-14-laion2B-s12B-b42K in its ratio of the MLP and in what its preprocessing leaves unsaid; a
    # pickle in half precision; an image that the patches do not fill.
    checkpoint(
        "open-clip-gelu-f16", 12,
        dict(embed_dim=20, text_cfg=dict(text, layers=1),
             vision_cfg=dict(image_size=30, layers=3, width=12, head_width=4, mlp_ratio=4.3637, patch_size=7)),
        dict(mean=MEAN, std=STD), torch.float16, "open_clip_pytorch_model.bin")
    # The other class, with its text tower's weights elsewhere; squashed images; another epsilon.
    checkpoint(
        "open-clip-custom-text", 13,
        dict(embed_dim=12, custom_text=True, text_cfg=dict(text, norm_kwargs=dict(eps=1e-3)),
             vision_cfg=dict(image_size=32, layers=2, width=10, head_width=5, patch_size=8, norm_kwargs=dict(eps=1e-3))),
        dict(mean=[0.5] * 3, std=[0.5] * 3, interpolation="bilinear", resize_mode="squash"),
        torch.bfloat16, "open_clip_model.safetensors")


if __name__ == "__main__":
    main()
