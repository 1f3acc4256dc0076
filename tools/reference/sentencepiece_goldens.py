"""Golden references for nnn-encode's SentencePiece reader, made with `sentencepiece` and `transformers`.

Run from the workspace's root with the packages of `requirements.txt`:

    python tools/reference/sentencepiece_goldens.py models --captions captions_val2017.json [--large data/sentencepiece]
    python tools/reference/sentencepiece_goldens.py xlm --captions captions_val2017.json [--large data/sentencepiece]

`models` trains small models on COCO's captions, for what the published ones have between them: both algorithms, rules for
characters, bytes for what is unknown, user-defined, control and unused pieces, spaces kept or squeezed, in front or
behind. With `--large` it also trains models with the whole NFKC map (240 kB each, too large for the repository); the
tests read them where they are. Training is seeded by the order of the captions: a second run writes the same bytes.

`xlm` writes the ids of `XLMRobertaTokenizer` as it was while it called `sentencepiece`, so it wants transformers 4.57.1 (the
last with slow tokenizers) in an environment of its own. It prints for how many texts the fast tokenizer differs.
"""

import argparse
import hashlib
import json
import random
import struct
import tempfile
import unicodedata
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

GOLDEN = Path(__file__).resolve().parents[2] / "crates/nnn-encode/tests/golden/sentencepiece"

TEXTS = [
    "", " ", "   ", "a", "A man riding a horse.", "  several   spaces,\ttabs\nand\r\nlines  ", "\t", "\u3000wide\u3000",
    "caf\u00e9 and cafe\u0301", "\ufb01sh and \ufb03 o\ufb03ce", "\uff28\uff25\uff2c\uff2c\uff2f\uff01", "\u00bd cup, x\u00b2 \u2122 \u2120 \u2167",
    "\u212b \u00c5 A\u030a", "e\u0301\u0323 a\u0323\u0301 o\u0308\u0304", "\uac00 \u1100\u1161 \u1100\u1161\u11a8", "\u0915\u094d\u0937\u093f \u0e01\u0e33 \ufdfa",
    "\u4e00\u53ea\u732b\u5728\u57ab\u5b50\u4e0a", "\U0001f408\u200d\u2b1b \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u2764\ufe0f",
    "zero\u200bwidth\u200djoin\ufeffmark", "soft\u00adhyphen no\u00a0break", "nul\u0000byte \u0001\u001f\u007f\u0085",
    "\u2581already\u2581marked\u2581", "\u2581", "\u2581\u2581 \u2581", "<s> and </s> <unk> <pad> <mask>", "x<mask>y <mask> z", "<s></s>", "</s", "<0x41><0xE2>",
    "<cls> zebra zebras zebrazebra <dot><dot> <dot> <extra>", "zebr zebraz", "aaaaaaaaaaaaaaaaaaaaaaaa", "zzzzzzz!!!!!!????......",
    "-------- ________ ########", "12 cats, 345 dogs and 6,789.50 birds in 2024", "tom &amp; jerry <b>bold</b> #hash @at 50%",
    "it's the dog's ball; they're \u201cquoted\u201d\u2026 \u2014", "word " * 120, "x" * 300, "\n\n\n two\n\n", "UPPER lower MiXeD",
    "\u0130stanbul \u00df \u1e9e \u01c5", "\u0391\u03b8\u03ae\u03bd\u03b1 \u041c\u043e\u0441\u043a\u0432\u0430 \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627", "\u0301", "\u0301a \u0308", "\ud7a3\U0010ffff\ue000", "a man" * 30,
]

# Pieces of the alphabet that random texts are made of.
BITS = [*"abcdefghij .,!?-'", "a man ", "the ", "zebra", "<dot>", "  ", "\t", "\n", "e\u0301", "\u0301", "\ufb01", "\uff21", "\u00bd", "\u2122", "\u200b",
        "\u00a0", "\u3000", "\u2581", "\U0001f408", "\u732b", "\uac00", "\u1100\u1161", "<s>", "</s>", "<mask>", "\u0000", "\u00c5", "A\u030a", "\u1e69", "s\u0323\u0307"]


def texts():
    draw = random.Random(5)
    return TEXTS + ["".join(draw.choices(BITS, k=draw.randint(1, 40))) for _ in range(150)]


def captions(file):
    return [it["caption"] for it in json.loads(Path(file).read_text())["annotations"]]


def rules():
    """A few hundred of the NFKC map's rules, with those that begin like others."""
    lines = {}
    spaces = ["\t", "\n", "\r", "\u00a0", "\u3000", "\u2003"]
    gone = ["\u200b", "\u200d", "\ufeff", "\u0001", "\u007f"]
    chosen = [*range(0xfb00, 0xfb07), *range(0xff01, 0xff5f), 0xbc, 0xbd, 0xb2, 0x2122, 0x2120, 0x2167, 0x212b, 0xfdfa, 0xe33]
    sources = [chr(it) for it in chosen]
    for base in "aeiouAEIOUsS":
        for marks in ("\u0301", "\u0308", "\u030a", "\u0323", "\u0323\u0301", "\u0323\u0307", "\u0308\u0304"):
            sources.append(base + marks)
    sources += ["\u1100\u1161", "\u1100\u1161\u11a8", "e\u0301\u0323", "a\u0323\u0301"]
    for source in sources:
        lines[source] = unicodedata.normalize("NFKC", source)
    lines.update({it: " " for it in spaces})
    lines.update({it: "" for it in gone})
    code = lambda text: " ".join(f"{ord(it):X}" for it in text)
    return "".join(f"{code(source)}\t{code(to)}\n" for source, to in sorted(lines.items()) if source != to)


SMALL = dict(vocab_size=500, character_coverage=0.999, num_threads=1, hard_vocab_limit=False)
MODELS = {
    "unigram": dict(model_type="unigram", rules=True),
    "unigram-bytes": dict(model_type="unigram", rules=True, byte_fallback=True, vocab_size=700, unused=True,
                          user_defined_symbols="zebra,zebras,<dot>,\u2581\u2581", control_symbols="<cls>,<extra>"),
    "bpe": dict(model_type="bpe", rules=True, unused=True, treat_whitespace_as_suffix=True),
    "bpe-bytes": dict(model_type="bpe", byte_fallback=True, vocab_size=700, normalization_rule_name="identity",
                      add_dummy_prefix=False, remove_extra_whitespaces=False, split_digits=True, pad_id=0, eos_id=1,
                      bos_id=2, unk_id=3, user_defined_symbols="zebra,zebras,<dot>,\n,\n\n,\u2581\u2581,\u2581\u2581\u2581",
                      control_symbols="<cls>,<extra>"),
}
LARGE = {
    "nfkc-unigram": dict(model_type="unigram", vocab_size=8000, normalization_rule_name="nmt_nfkc"),
    "nfkc-bpe": dict(model_type="bpe", vocab_size=8000, normalization_rule_name="nfkc", byte_fallback=True),
}


def train(folder, name, settings, lines):
    settings = {**SMALL, **settings}
    unused, ruled = settings.pop("unused", False), settings.pop("rules", False)
    with tempfile.TemporaryDirectory() as scratch:
        if ruled:
            settings["normalization_rule_tsv"] = f"{scratch}/rules.tsv"
            Path(settings["normalization_rule_tsv"]).write_text(rules())
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_prefix=f"{scratch}/model", minloglevel=2, **settings)
        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString(Path(f"{scratch}/model.model").read_bytes())
    # Names of the machine's own files are no part of a model.
    model.trainer_spec.ClearField("input")
    model.trainer_spec.ClearField("model_prefix")
    model.normalizer_spec.ClearField("normalization_rule_tsv")
    if unused:
        normal = [it for it in model.pieces if it.type == it.NORMAL and len(it.piece) > 2]
        for piece in normal[::7]:
            piece.type = piece.UNUSED
    (folder / f"{name}.model").write_bytes(model.SerializeToString())


def golden(encode, lines):
    """Ids of the texts, and a checksum over (count, ids) of every caption, 32-bit little-endian each."""
    digest, count = hashlib.sha256(), 0
    for line in lines:
        ids = encode(line)
        digest.update(struct.pack(f"<{len(ids) + 1}I", len(ids), *ids))
        count += len(ids)
    return {"captions": len(lines), "tokens": count, "sha256": digest.hexdigest(), "ids": [encode(it) for it in texts()]}


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")


def models(arguments):
    lines = captions(arguments.captions)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    write(GOLDEN / "texts.json", texts())
    for folder, chosen in [(GOLDEN, MODELS), *([(arguments.large, LARGE)] if arguments.large else [])]:
        folder.mkdir(parents=True, exist_ok=True)
        for name, settings in chosen.items():
            train(folder, name, settings, lines)
            model = sentencepiece.SentencePieceProcessor(model_file=str(folder / f"{name}.model"))
            write(folder / f"{name}.json", golden(model.encode, lines))
            print(name, model.vocab_size(), (folder / f"{name}.model").stat().st_size)


def xlm(arguments):
    from transformers import XLMRobertaTokenizer, XLMRobertaTokenizerFast
    lines = captions(arguments.captions)
    for folder, name in [(GOLDEN, "unigram"), *([(arguments.large, "nfkc-unigram")] if arguments.large else [])]:
        file = str(folder / f"{name}.model")
        slow, fast = XLMRobertaTokenizer(file), XLMRobertaTokenizerFast(file)
        encode = lambda text: slow(text, truncation=True, max_length=64)["input_ids"]
        write(folder / f"xlm-{name}.json", golden(encode, lines))
        for kind, some in (("captions", lines), ("texts", texts())):
            other = sum(encode(it) != fast(it, truncation=True, max_length=64)["input_ids"] for it in some)
            print(f"{name}: the fast tokenizer differs on {other} of {len(some)} {kind}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for command in (models, xlm):
        added = commands.add_parser(command.__name__)
        added.add_argument("--captions", required=True)
        added.add_argument("--large", type=Path)
        added.set_defaults(run=command)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
