"""Small data sets in the layouts in which COCO and Flickr30k are published, for nnn-data's readers.

Run from the workspace's root with the packages of `requirements.txt`:

    python tools/reference/published_goldens.py

The writers are those of the publishers: pandas and pyarrow for tables, json, zipfile and tarfile for the rest. What the
files say is in `expected.json`. Everything is seeded; times in archives are fixed.
"""

import gzip
import hashlib
import io
import json
import random
import tarfile
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

FOLDER = Path(__file__).resolve().parents[2] / "crates/nnn-data/tests/published/golden"
SPLITS = ["train", "train", "test", "restval", "val", "train", "test", "restval"]

# What quoting and escaping stumble over.
AWKWARD = [
    "A man, a plan, a canal",
    "it's a dog",
    'a sign that says "STOP"',
    "both ' and \" in one",
    "two\nlines",
    "a\ttab and a back\\slash",
    "café, naïve, Ωmega",
    "an emoji \U0001f600 and 日本語",
    "[brackets], (parentheses) and {braces}",
    "ends with a space ",
    "no-break\u00a0space",
    "\\n is no newline",
]


def captions(number, rng):
    """Five captions, or six for one image."""
    words = ["dog", "cat", "bus", "kite", "pizza", "on", "near", "a", "the", "red"]
    count = 6 if number == 2 else 5
    plain = [" ".join(rng.choices(words, k=rng.randint(3, 8))).capitalize() + "." for _ in range(count)]
    for place in range(0, count, 2):
        plain[place] = AWKWARD[(number * 3 + place // 2) % len(AWKWARD)]
    return plain


def picture(rng):
    colour = tuple(rng.randrange(256) for _ in range(3))
    out = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(out, "JPEG", quality=90)
    return out.getvalue()


def records():
    rng = random.Random(5)
    for number, split in enumerate(SPLITS):
        folder = "val2014" if split != "train" else "train2014"
        name = f"COCO_{folder}_{number * 571:012d}.jpg"
        yield {
            "filename": name,
            "filepath": folder,
            "split": split,
            "cocoid": number * 571,
            "imgid": number,
            "captions": captions(number, rng),
            "bytes": picture(rng),
            "url": f"http://images.cocodataset.org/{folder}/{name}",
        }


def tables(rows):
    """nlphuji's: the captions as JSON (Flickr30k) or as Python prints a list (COCO)."""
    first = [5 * row["imgid"] for row in rows]
    common = {"filename": [row["filename"] for row in rows], "split": [row["split"] for row in rows]}
    ids = [list(range(at, at + len(row["captions"]))) for at, row in zip(first, rows)]
    pd.DataFrame(
        {
            "raw": [json.dumps(row["captions"]) for row in rows],
            "sentids": [json.dumps(it) for it in ids],
            **common,
            "img_id": [row["imgid"] for row in rows],
        }
    ).to_csv(FOLDER / "json_lists.csv", index=False)
    pd.DataFrame(
        {
            "sentids": ids,
            "imgid": [row["imgid"] for row in rows],
            "tokens": [[text.split() for text in row["captions"]] for row in rows],
            "raw": [row["captions"] for row in rows],
            **common,
            "cocoid": [row["cocoid"] for row in rows],
        }
    ).to_csv(FOLDER / "python_lists.csv", index=False)
    # A caption a row, in CSV and in TSV, where a line is a record.
    pairs = [(row["filename"], row["split"], text) for row in rows for text in row["captions"]]
    frame = pd.DataFrame(pairs, columns=["image", "split", "caption"])
    frame.to_csv(FOLDER / "captions.csv", index=False)
    frame["caption"] = frame["caption"].str.replace(r"[\t\n]", " ", regex=True)
    frame.to_csv(FOLDER / "captions.tsv", index=False, sep="\t")
    # CLIP_benchmark's: nothing is quoted.
    with open(FOLDER / "test_karpathy.txt", "w", encoding="utf-8", newline="\n") as out:
        out.write("image,caption\n")
        for name, split, text in pairs:
            if split == "test":
                out.write(f"{name},{text}\n".replace("two\nlines", "two lines"))


def parquets(rows):
    plain = pa.table(
        {
            "filepath": [row["filepath"] for row in rows],
            "sentids": [list(range(5 * row["imgid"], 5 * row["imgid"] + len(row["captions"]))) for row in rows],
            "filename": [row["filename"] for row in rows],
            "imgid": [row["imgid"] for row in rows],
            "split": [row["split"] for row in rows],
            "sentences": [row["captions"] for row in rows],
            "cocoid": [row["cocoid"] for row in rows],
            "url": [row["url"] for row in rows],
        }
    )
    for codec in ["snappy", "zstd"]:
        pq.write_table(plain, FOLDER / f"karpathy_{codec}.parquet", compression=codec, row_group_size=3)
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    inside = [{"bytes": row["bytes"], "path": row["filename"]} for row in rows]
    lists = {
        "image": pa.array(inside, image),
        "split": [row["split"] for row in rows],
        "caption": [row["captions"] for row in rows],
    }
    pq.write_table(pa.table(lists), FOLDER / "images_lists.parquet", row_group_size=3)
    flat = [(row, at, text) for row, at in zip(rows, inside) for text in row["captions"]]
    each = {
        "image": pa.array([at for _, at, _ in flat], image),
        "split": [row["split"] for row, _, _ in flat],
        "caption": [text for _, _, text in flat],
    }
    pq.write_table(pa.table(each), FOLDER / "images_rows.parquet", row_group_size=7)


def jsons(rows):
    images = [
        {
            "filepath": row["filepath"],
            "sentids": [],
            "filename": row["filename"],
            "imgid": row["imgid"],
            "split": row["split"],
            "sentences": [
                {"tokens": text.split(), "raw": text, "imgid": row["imgid"], "sentid": at}
                for at, text in enumerate(row["captions"])
            ],
            "cocoid": row["cocoid"],
        }
        for row in rows
    ]
    karpathy = json.dumps({"images": images, "dataset": "coco"})
    with zipfile.ZipFile(FOLDER / "caption_datasets.zip", "w", zipfile.ZIP_DEFLATED) as out:
        add(out, "dataset_coco.json", karpathy.encode())
    for split in ["train", "val", "test", "restval"]:
        some = [row for row in rows if row["split"] == split]
        coco = {
            "info": {"year": 2014},
            "licenses": [],
            "images": [{"id": it["cocoid"], "file_name": it["filename"], "height": 8, "width": 8} for it in some],
            "annotations": [
                {"image_id": it["cocoid"], "id": 9 * it["imgid"] + at, "caption": text}
                for it in some
                for at, text in enumerate(it["captions"])
            ],
        }
        (FOLDER / f"coco_{split}.json").write_text(json.dumps(coco))
        path = [f"{it['filepath']}/{it['filename']}" for it in some]
        if split in ["train", "restval"]:
            listed = [
                {"caption": text, "image": at, "image_id": f"coco_{it['cocoid']}"}
                for at, it in zip(path, some)
                for text in it["captions"]
            ]
        else:
            listed = [{"image": at, "caption": it["captions"]} for at, it in zip(path, some)]
        (FOLDER / f"blip_{split}.json").write_text(json.dumps(listed))


def add(archive, name, content):
    about = zipfile.ZipInfo(name, (2014, 5, 1, 0, 0, 0))
    about.compress_type = archive.compression
    archive.writestr(about, content)


def member(archive, name, content):
    about = tarfile.TarInfo(name)
    about.size = len(content)
    archive.addfile(about, io.BytesIO(content))


def archives(rows):
    for name, method in [("images_stored.zip", zipfile.ZIP_STORED), ("images_deflated.zip", zipfile.ZIP_DEFLATED)]:
        with zipfile.ZipFile(FOLDER / name, "w", method) as out:
            out.mkdir("images")
            for row in rows:
                add(out, f"images/{row['filepath']}/{row['filename']}", row["bytes"])
                add(out, f"__MACOSX/images/{row['filepath']}/._{row['filename']}", b"fork")
    # A long folder makes tarfile write its extensions.
    folder = "images-" + "x" * 110
    for form, name in [(tarfile.PAX_FORMAT, "images_pax.tar"), (tarfile.GNU_FORMAT, "images_gnu.tar")]:
        with tarfile.open(FOLDER / name, "w", format=form) as out:
            for row in rows:
                member(out, f"./{folder}/{row['filepath']}/{row['filename']}", row["bytes"])
    packed = gzip.compress((FOLDER / "images_gnu.tar").read_bytes(), mtime=0)
    (FOLDER / "images.tar.gz").write_bytes(packed)


def shards(rows):
    """The first with texts, a caption a line; the second with JSON."""
    some = [row for row in rows if row["split"] == "test"]
    for number, row in enumerate(some):
        stem = row["filename"].removesuffix(".jpg")
        with tarfile.open(FOLDER / f"test-{number:06d}.tar", "w") as out:
            member(out, row["filename"], row["bytes"])
            if number == 0:
                lines = [text.replace("\n", " ") for text in row["captions"]]
                member(out, f"{stem}.txt", "\n".join(lines).encode())
            else:
                member(out, f"{stem}.json", json.dumps({"caption": row["captions"], "url": row["url"]}).encode())


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = list(records())
    for write in [tables, parquets, jsons, archives, shards]:
        write(rows)
    expected = [
        {
            "image": row["filename"],
            "folder": row["filepath"],
            "split": row["split"],
            "captions": row["captions"],
            "url": row["url"],
            "sha256": hashlib.sha256(row["bytes"]).hexdigest(),
        }
        for row in rows
    ]
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1))


if __name__ == "__main__":
    main()
