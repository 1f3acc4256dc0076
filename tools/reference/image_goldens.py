"""Small images in every format that nnn-encode reads, and the pixels that Pillow gives them.

Run from the workspace's root with the packages of `requirements.txt`:

    python tools/reference/image_goldens.py

Every file `NAME` has a `NAME.png` beside it: what `Image.open(NAME).convert("RGB")` gives. What Pillow cannot write is
written here byte by byte.
"""

import io
import struct
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).resolve().parents[2] / "crates/nnn-encode/tests/golden/formats"
WIDTH, HEIGHT = 29, 19


def pattern(width=WIDTH, height=HEIGHT):
    """Edges of colour at odd places, where upsampling of chroma shows."""
    image = Image.new("RGB", (width, height))
    for y in range(height):
        for x in range(width):
            value = 3 * x * x + 5 * y * y + 7 * x * y + (x // 7) * (y // 5) * 13
            image.putpixel((x, y), tuple((value + shift) % 256 for shift in (0, 91, 182)))
    return image


def smooth(width=WIDTH, height=HEIGHT):
    image = Image.new("RGB", (width, height))
    for y in range(height):
        for x in range(width):
            image.putpixel((x, y), (8 * x, 255 - 12 * y, 4 * x + 5 * y))
    return image


def with_alpha(image):
    alpha = Image.new("L", image.size)
    alpha.putdata([(37 * at) % 256 if at % 5 else 0 for at in range(image.width * image.height)])
    image = image.convert("RGBA")
    image.putalpha(alpha)
    return image


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


# ---------------------------------------------------------------- WebP


def webp_first_frame_in_part():
    """An animation whose first frame covers a part of the canvas, without alpha."""
    still = saved(pattern(10, 8), "WEBP", lossless=True)
    chunk = still[12:]
    flags, canvas = 0x02, (WIDTH - 1, HEIGHT - 1)
    three = lambda number: struct.pack("<I", number)[:3]
    vp8x = b"VP8X" + struct.pack("<I", 10) + bytes([flags, 0, 0, 0]) + three(canvas[0]) + three(canvas[1])
    anim = b"ANIM" + struct.pack("<I", 6) + bytes([10, 20, 30, 255]) + struct.pack("<H", 0)
    frames = b""
    for left, top in ((4, 6), (0, 0)):
        body = three(left // 2) + three(top // 2) + three(9) + three(7) + three(100) + bytes([0]) + chunk
        frames += b"ANMF" + struct.pack("<I", len(body)) + body
    content = b"WEBP" + vp8x + anim + frames
    return b"RIFF" + struct.pack("<I", len(content)) + content


def webps():
    yield "lossy.webp", saved(pattern(), "WEBP", quality=80)
    yield "lossy-low.webp", saved(pattern(40, 33), "WEBP", quality=5)
    yield "lossy-smooth.webp", saved(smooth(97, 64), "WEBP", quality=90)
    yield "lossy-column.webp", saved(pattern(1, 21), "WEBP", quality=80)
    yield "lossy-pixel.webp", saved(pattern(1, 1), "WEBP", quality=80)
    yield "lossy-alpha.webp", saved(with_alpha(pattern()), "WEBP", quality=80)
    yield "lossless.webp", saved(pattern(), "WEBP", lossless=True)
    yield "lossless-palette.webp", saved(pattern().quantize(7).convert("RGB"), "WEBP", lossless=True)
    yield "lossless-alpha.webp", saved(with_alpha(pattern()), "WEBP", lossless=True)
    yield "lossless-alpha-exact.webp", saved(with_alpha(pattern()), "WEBP", lossless=True, exact=True)
    frames = [with_alpha(smooth()), with_alpha(pattern())]
    yield "animated.webp", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=90)
    plain = [smooth(), pattern()]
    yield "animated-lossy.webp", saved(plain[0], "WEBP", save_all=True, append_images=plain[1:], quality=70)
    yield "animated-part.webp", webp_first_frame_in_part()
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "turned.webp", saved(pattern(), "WEBP", lossless=True, exif=exif)


# ---------------------------------------------------------------- GIF


def moved(gif, left, top, width, height):
    """The same frame at another place of a larger screen."""
    gif = bytearray(gif)
    gif[6:10] = struct.pack("<HH", width, height)
    flags = gif[10]
    at = 13 + (3 << ((flags & 7) + 1) if flags & 128 else 0)
    while gif[at] != 0x2C:
        at += 2
        while gif[at]:
            at += gif[at] + 1
        at += 1
    gif[at + 1 : at + 5] = struct.pack("<HH", left, top)
    return bytes(gif)


def gifs():
    palette = pattern().quantize(40)
    yield "plain.gif", saved(palette, "GIF", interlace=0)
    yield "interlaced.gif", saved(palette, "GIF", interlace=1)
    yield "transparent.gif", saved(palette, "GIF", transparency=3)
    yield "grey.gif", saved(pattern().convert("L"), "GIF")
    yield "two-colours.gif", saved(pattern().convert("1"), "GIF")
    frames = [smooth().quantize(30), pattern().quantize(30)]
    yield "animated.gif", saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    small = pattern(10, 8).quantize(12)
    yield "part.gif", moved(saved(small, "GIF", interlace=0), 5, 3, WIDTH, HEIGHT)
    yield "part-transparent.gif", moved(saved(small, "GIF", transparency=4, interlace=0), 5, 3, WIDTH, HEIGHT)
    yield "beyond.gif", moved(saved(small, "GIF", interlace=0), 5, 3, 9, 7)


# ---------------------------------------------------------------- BMP


def bmp(bits, rows, palette=b"", compression=0, masks=b"", top_down=False, width=WIDTH, height=HEIGHT):
    header = struct.pack(
        "<IiiHHIIiiII", 40, width, -height if top_down else height, 1, bits, compression, len(rows), 0, 0, len(palette) // 4, 0
    )
    start = 14 + 40 + len(masks) + len(palette)
    return struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start) + header + masks + palette + rows


def padded(row):
    return row + bytes(-len(row) % 4)


def colours(count):
    return b"".join(bytes([(40 * at) % 256, (90 * at + 7) % 256, (23 * at) % 256, 0]) for at in range(count))


def bmps():
    image = pattern()
    yield "one-bit.bmp", saved(image.convert("1"), "BMP")
    yield "grey.bmp", saved(image.convert("L"), "BMP")
    yield "palette.bmp", saved(image.quantize(50), "BMP")
    yield "rgb.bmp", saved(image, "BMP")
    yield "rgba.bmp", saved(with_alpha(image), "BMP")
    index = lambda x, y: (x * 3 + y * 5) % 13
    rows = range(HEIGHT)
    nibbles = lambda y: bytes(index(x, y) << 4 | (index(x + 1, y) if x + 1 < WIDTH else 0) for x in range(0, WIDTH, 2))
    yield "four-bits.bmp", bmp(4, b"".join(padded(nibbles(y)) for y in rows), colours(16))
    two = lambda y: bytes(
        sum(((x % 2) ^ (y % 2)) << (7 - bit) for bit, x in enumerate(range(at, min(at + 8, WIDTH)))) for at in range(0, WIDTH, 8)
    )
    yield "two-colours.bmp", bmp(1, b"".join(padded(two(y)) for y in rows), colours(2))
    short = lambda y: b"".join(struct.pack("<H", (x * 1117 + y * 2221) & 0x7FFF) for x in range(WIDTH))
    yield "five-five-five.bmp", bmp(16, b"".join(padded(short(y)) for y in rows))
    full = lambda y: b"".join(struct.pack("<H", (x * 2117 + y * 2221) & 0xFFFF) for x in range(WIDTH))
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    yield "five-six-five.bmp", bmp(16, b"".join(padded(full(y)) for y in rows), compression=3, masks=masks)
    plain = lambda y: b"".join(bytes([(x * 9) % 256, (y * 13) % 256, (x * y) % 256, 0]) for x in range(WIDTH))
    yield "thirty-two.bmp", bmp(32, b"".join(plain(y) for y in rows), top_down=True)
    runs = b"".join(bytes([20, y % 7, 9, (y + 3) % 7, 0, 0]) for y in rows) + bytes([0, 1])
    yield "runs.bmp", bmp(8, runs, colours(7), compression=1)


# ---------------------------------------------------------------- TIFF


def tiff(tags, pixels, order="<"):
    """One strip, uncompressed; `tags` gives (type, values) by number."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    tags = {**tags, 273: (4, [8]), 279: (4, [len(pixels)])}
    at = 8 + len(pixels) + len(pixels) % 2
    entries, beyond = b"", b""
    start = at + 2 + 12 * len(tags) + 4
    for number, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(packed) > 4:
            place = struct.pack(order + "I", start + len(beyond))
            beyond += packed
        else:
            place = packed.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", number, kind, len(values)) + place
    head = mark + struct.pack(order + "I", at) + pixels + bytes(len(pixels) % 2)
    return head + struct.pack(order + "H", len(tags)) + entries + bytes(4) + beyond


def layout(bits, photometric, samples, planar=1, **more):
    tags = {
        256: (3, [WIDTH]), 257: (3, [HEIGHT]), 258: (3, [bits] * samples), 259: (3, [1]), 262: (3, [photometric]),
        277: (3, [samples]), 278: (3, [HEIGHT]), 284: (3, [planar]),
    }
    tags.update({int(number): value for number, value in more.items()})
    return tags


def tiffs():
    image = pattern()
    for name, mode in (("one-bit", "1"), ("grey", "L"), ("grey-alpha", "LA"), ("rgb", "RGB"), ("cmyk", "CMYK")):
        yield f"{name}.tif", saved(image.convert(mode), "TIFF")
    yield "rgba.tif", saved(with_alpha(image), "TIFF")
    yield "palette.tif", saved(image.quantize(60), "TIFF")
    for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        yield f"{name}.tiff", saved(image, "TIFF", compression=name)
    yield "palette-lzw.tif", saved(image.quantize(60), "TIFF", compression="tiff_lzw")
    yield "group4.tif", saved(image.convert("1"), "TIFF", compression="group4")
    yield "pages.tif", saved(smooth(), "TIFF", save_all=True, append_images=[image])
    levels = lambda count, order: struct.pack(
        f"{order}{count * WIDTH * HEIGHT}H", *((at * 257 + at * at * 31) % 65536 for at in range(count * WIDTH * HEIGHT))
    )
    dark = struct.pack(f"<{WIDTH * HEIGHT}H", *(at % 400 for at in range(WIDTH * HEIGHT)))
    yield "grey-16.tif", tiff(layout(16, 1, 1), dark)
    yield "grey-16-big.tif", tiff(layout(16, 1, 1), levels(1, ">"), ">")
    yield "rgb-16.tif", tiff(layout(16, 2, 3), levels(3, "<"))
    yield "rgb-16-big.tif", tiff(layout(16, 2, 3), levels(3, ">"), ">")
    bytes_of = lambda count: bytes((at * 7 + at * at * 3) % 256 for at in range(count * WIDTH * HEIGHT))
    yield "white-is-zero.tif", tiff(layout(8, 0, 1), bytes_of(1))
    yield "rgb-premultiplied.tif", tiff(layout(8, 2, 4, **{"338": (3, [1])}), bytes_of(4))
    yield "rgb-padded.tif", tiff(layout(8, 2, 4, **{"338": (3, [0])}), bytes_of(4))


def goldens(files):
    for name, content in files:
        (FOLDER / name).write_bytes(content)
        try:
            with Image.open(FOLDER / name) as image:
                image.convert("RGB").save(FOLDER / f"{name}.png", optimize=True)
        except OSError as error:
            (FOLDER / name).unlink()
            print(f"{name}: {error}")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for files in (webps(), gifs(), bmps(), tiffs()):
        goldens(files)


if __name__ == "__main__":
    main()
