"""Golden references for open_clip's cleaning of texts, made with `open_clip_torch` and `ftfy`.

Run from the workspace's root with the packages of `requirements.txt`:

    python tools/reference/cleaning_goldens.py [FOLDER]

FOLDER is where `coco-val2017/captions_val2017.json` and `fashion-clip/texts.csv` lie; without it the checksums of their
cleaned captions are left as they are. A second run writes the same bytes.
"""

import csv
import hashlib
import json
import pathlib
import sys

from open_clip.tokenizer import get_clean_fn

GOLDEN = pathlib.Path("crates/nnn-encode/tests/golden/open-clip-cleaning.json")
MODES = ["lower", "whitespace", "canonicalize"]

TEXTS = [
    # Quotes, dashes, dots.
    "a \u201cquoted\u201d sign", "the dog\u2019s ball", "\u2018single\u2019 and \u201alow\u201b", "\u00abguillemets\u00bb stay", "5\u2032 10\u2033 tall",
    "wait\u2026 what \u2014 a \u2013 dash", "\u02bcn boek", "\u201e\u201cdouble low", "``backticks''",
    # Ligatures, widths.
    "\ufb01sh and \ufb02owers, o\ufb03ce, ba\ufb04e, \ufb00", "\u0132sselmeer, d\u017eep, \u01c6, \u0149 dag", "\uff26\uff35\uff2c\uff2c \uff57\uff49\uff44\uff54\uff48\uff01 \uff11\uff12\uff13",
    "\uff76\uff80\uff76\uff85 half", "\u3000ideographic\u3000space", "\uffe5500 \uffe1 \uffe0",
    # Mojibake.
    "caf\u00c3\u00a9 au lait", "it\u00e2\u20ac\u2122s a dog", "\u00e2\u20ac\u0153quoted\u00e2\u20ac\u009d", "a na\u00c3\u00afve \u00c3\u00a0 la carte",
    "schÃ¶n", "L\u00c3\u0192\u00c2\u00a9on", "\u00ef\u00bb\u00bftext after a mark", "\u00f0\u0178\u02dc\u20ac smile", "\u00d0\u0178\u00d1\u20ac\u00d0\u00b8\u00d0\u00b2\u00d0\u00b5\u00d1\u201a",
    "100 \u00c2\u00b0F, \u00c2\u00a320", "a\u00c3 la carte", "\u00c3\u00a1rbol \u00c3\u0081rbol", "\u00e3\u0081\u201a hiragana", "voil\u00e0 le travail",
    "\u00e2\u0080\u0099 c1 quote", "\u0093c1 quotes\u0094 \u0085 \u0092s", "\u00c5\u0082\u00c3\u00b3d\u00c5\u00ba", "fa\u00c3\u00a7ade \u00e2\u20ac\u201d street",
    "P\u00c3\u2030REZ", "\u00c3\u00bcber \u00e2\u0082\u00ac50", "doesn\u00e2\u20ac\ufffdt", "\u00ce\u00b1\u00ce\u00b2\u00ce\u00b3", "\u00e4\u00bd\u00a0\u00e5\u00a5\u00bd",
    "RenÃ©, ZoÃ« & FranÃ§ois", "\u221a\u00a9 mac", "\u0432\u0402\u045atext\u0432\u0402\u045c", "\u00a0nbsp\u00a0inside\u00a0",
    # HTML.
    "tom &amp; jerry", "&lt;b&gt;bold&lt;/b&gt;", "<b>tom &amp; jerry</b>", "<i>&amp;amp;lt;</i>", "&amp;amp;amp;amp; deep", "&quot;quoted&quot; &#39;single&#39;",
    "&copy 2024, &reg; &notit; &not; &amp", "&eacute;t&eacute; P&EACUTE;REZ &NTILDE;", "&#8217;s &#x2019; &#146; &#x92;", "&#0; &#1; &#x80; &#xD800; &#x110000; &#127;",
    "&#38;amp; &#x26;lt;", "&nosuch; &; &# &#x; &#xZ; a & b && c &amp;&amp;", "caf&eacute &ampfoo &ltb&gt", "&hellip;&mdash;&ldquo;x&rdquo;", "&nbsp;&nbsp;x&nbsp;", "&CounterClockwiseContourIntegral; &fjlig; &NotEqualTilde;",
    "AT&T and Q&A; R&D;", "&amp;#8217;", "&#x1F600; &#128512;", "&ensp;&thinsp;&zwj;x", "3 < 4 &amp; 5 > 2",
    # Control characters, marks, breaks, terminals.
    "a\u0000b\u0001c\u0007d\u007fe", "bell\u0008\u000b\u000cfeed", "line\r\nbreak\rmac\u2028ls\u2029ps\u0085nel", "\ufeffmark \ufeff inside", "\x1b[31mred\x1b[0m text",
    "\u200bzero\u200cwidth\u200djoin\u2060er", "soft\u00adhyphen", "\u202atext\u202c \u206a\u206f \ufff9\ufffb", "tab\tand\x1cfs\x1dgs\x1ers\x1fus", "\ue000private\uf8ff", "\U000e0001tag\U000e007f",
    # Normal forms and cases.
    "cafe\u0301 \u00e9", "\u0130stanbul I\u0307", "\u039f\u0394\u039f\u03a3 \u03a3", "\u1e9e STRASSE \u00df", "\u212b \u2126 \u00bd \u00b2", "\u1112\u1161\u11ab \ud55c", "\u0915\u093c", "\u01c5 \u01c8",
    "\ufa0e\uf900 cjk", "\U0001f468\u200d\U0001f469\u200d\U0001f467 family \U0001f3fd", "e\u0301\u0323",
    # White space and punctuation.
    "  several   spaces,\ttabs\nand lines  ", "snake_case_words and - dashes", "?!...", "", " ", "\n", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "\u00bfqu\u00e9? \u00a1ol\u00e9!",
    "an <|endoftext|> in the middle", "a \u4e00\u53ea\u732b \U0001f408\u200d\u2b1b", "100% & <50 \u2264 60", "price: \u20ac5, \u00a35, $5", "A RED Circle, ABOVE a Blue square!",
    "\u00c2\u00bfD\u00c3\u00b3nde?", "\u00e2\u201e\u00a2 mark\u00e2\u201e\u00a2", "\u00d7 by \u00f7", "na\u00efve fa\u00e7ade \u0153uvre \u00c6sir \u00f8re", "\u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440",
    "\u03b5\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac", "\u0e44\u0e17\u0e22 \u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e2\u05d1\u05e8\u05d9\u05ea", "\u65e5\u672c\u8a9e\u306e\u5b57\u5e55\uff0c\u4e2d\u6587\u3002", "\ufffd\ufffd broken \ufffd",
    "line one \u00e2\u20ac\u2122\nline two <b> &amp;\nline three &amp;",
]


def captions(folder):
    coco = json.loads((folder / "coco-val2017/captions_val2017.json").read_text())
    yield "coco", [it["caption"] for it in coco["annotations"]]
    with open(folder / "fashion-clip/texts.csv", newline="") as file:
        yield "fashion", [row["text"] for row in csv.DictReader(file)]


def sums(folder):
    clean = get_clean_fn("lower")
    for name, texts in captions(folder):
        cleaned = [clean(text) for text in texts]
        yield name, {"texts": len(texts), "sha256": hashlib.sha256("\n".join(cleaned).encode()).hexdigest()}


def main():
    old = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {"sums": {}}
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
    clean = {mode: get_clean_fn(mode) for mode in MODES}
    examples = [{"text": text, **{mode: clean[mode](text) for mode in MODES}} for text in TEXTS]
    golden = {"examples": examples, "sums": dict(sums(folder)) if folder else old["sums"]}
    GOLDEN.write_text(json.dumps(golden, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
