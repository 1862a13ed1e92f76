"""Files made to hurt whoever decodes them: small ones that unfold, long ones that never get to the point, liars.

Every one is deterministic. A budget is how many bytes a file may have; those that grow with it are as large as that.
"""

from __future__ import annotations

import struct

from PIL import Image

from tests.fuzz.forging import (
    MakeFile,
    animation,
    avif,
    bmp_rle,
    chunk,
    directory,
    fax,
    gif,
    gif_animation,
    heic,
    jpeg,
    jpeg_size,
    picture,
    plain,
    png,
    repeated,
    resized_ispe,
    riff_chunk,
    saved,
    scan_upon_scan,
    segment,
    svg,
    text_bomb,
    tiff_bomb,
    tiff_circle,
    tiff_directories,
    tiff_shared_tags,
    webp,
    webp_animation,
    webp_canvas,
)

HOSTILE: dict[str, MakeFile] = {
    # Bombs: few bytes, many pixels.
    "png that says 60,000 × 60,000": lambda _: png(b"")[:16] + struct.pack(">II", 60_000, 60_000) + png(b"")[24:],
    "png of 49 million pixels in one colour": lambda _: saved(Image.new("1", (7000, 7000)), "PNG"),
    "gif that says 65,535 × 65,535": lambda _: plain("GIF")[:6] + b"\xff\xff\xff\xff" + plain("GIF")[10:],
    "gif of 49 million pixels in one colour": lambda _: saved(Image.new("P", (7000, 7000)), "GIF"),
    "webp that says 16,383 × 16,383": lambda _: webp(b"", (16_383, 16_383)),
    "webp animation that says 16,383 × 16,383": webp_canvas,
    "webp of 49 million pixels in one colour": lambda _: saved(
        Image.new("RGB", (7000, 7000)), "WEBP", lossless=True, method=0, quality=0
    ),
    "tiff of 100,000 × 100,000, deflated": lambda _: tiff_bomb(100_000, 100_000),
    "tiff of 7,000 × 7,000, deflated and short": lambda _: tiff_bomb(7000, 7000),
    "avif of 49 million pixels in one colour": lambda _: avif(7000),
    "avif that says 64 × 64 and is 7,000 × 7,000": lambda _: resized_ispe(avif(7000), 64, 64),
    "avif that says 30,000 × 30,000": lambda _: resized_ispe(avif(64), 30_000, 30_000),
    "bmp that says 30,000 × 30,000": lambda _: (
        plain("BMP")[:18] + struct.pack("<ii", 30_000, 30_000) + plain("BMP")[26:]
    ),
    "bmp with a negative height beyond all bounds": lambda _: (
        plain("BMP")[:22] + struct.pack("<i", -(2**31)) + plain("BMP")[26:]
    ),
    "bmp in runs of one pixel": bmp_rle,
    "jpeg that says 65,500 × 65,500": lambda _: jpeg_size(65_500),
    "progressive jpeg, 1,000 × 1,000, scan upon scan": scan_upon_scan(1000),
    "progressive jpeg, 7,000 × 7,000, scan upon scan": scan_upon_scan(7000),
    # Metadata without end.
    "jpeg with exif upon exif": lambda budget: jpeg(repeated(segment(0xE1, b"Exif\0\0" + b"II*\0"), budget)),
    "jpeg with a shared exif": lambda _: jpeg(segment(0xE1, b"Exif\0\0" + directory(2600, 32_000))),
    "jpeg with comments upon comments": lambda budget: jpeg(repeated(segment(0xFE, b""), budget)),
    "jpeg with profiles upon profiles": lambda budget: jpeg(
        repeated(segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(60_000)), budget)
    ),
    "jpeg with empty segments": lambda budget: jpeg(repeated(segment(0xE5, b""), budget)),
    "jpeg with junk before its segments": lambda budget: jpeg(bytes(budget)),
    "jpeg with fill bytes": lambda budget: jpeg(b"\xff" * budget),
    "jpeg with photoshop's blocks": lambda budget: jpeg(
        repeated(segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\0" * 5000), budget)
    ),
    "jpeg with multi-picture data": lambda _: jpeg(segment(0xE2, b"MPF\0" + directory(2600, 32_000))),
    "jpeg with quantisation upon quantisation": lambda budget: jpeg(repeated(segment(0xDB, bytes(65)), budget)),
    "jpeg with restart markers": lambda budget: plain("JPEG")[:-2] + b"\xff\xd0" * (budget // 2) + b"\xff\xd9",
    "png with a text bomb (zTXt)": lambda budget: text_bomb(b"zTXt", budget),
    "png with a text bomb (iTXt)": lambda budget: text_bomb(b"iTXt", budget),
    "png with a profile bomb (iCCP)": lambda budget: text_bomb(b"iCCP", budget),
    "png with text upon text": lambda budget: png(repeated(chunk(b"tEXt", b"a\0b"), budget)),
    "png with empty chunks": lambda budget: png(repeated(chunk(b"prVt", b""), budget)),
    "png with empty pixels": lambda budget: png(repeated(chunk(b"IDAT", b""), budget)),
    "png with a shared exif": lambda budget: png(chunk(b"eXIf", directory(60_000, max(1, budget - 800_000)))),
    "png with xmp": lambda budget: png(
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"<tiff:Orientation>" * (budget // 18))
    ),
    "gif with comments": lambda budget: gif(b"\x21\xfe" + repeated(b"\xff" + b"c" * 255, budget) + b"\0"),
    "gif with comments of one byte": lambda budget: gif(b"\x21\xfe" + repeated(b"\1c", budget) + b"\0"),
    "gif with empty comments": lambda budget: gif(repeated(b"\x21\xfe\0", budget)),
    "gif with extensions": lambda budget: gif(repeated(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0", budget)),
    "gif with no blocks": lambda budget: gif(bytes(budget)),
    "gif in sub-blocks of one byte": lambda budget: plain("GIF")[:-2] + repeated(b"\1\0", budget) + b"\0;",
    "webp with a shared exif": lambda budget: webp(riff_chunk(b"EXIF", directory(60_000, max(1, budget - 800_000)))),
    "webp with empty chunks": lambda budget: webp(repeated(riff_chunk(b"junk", b""), budget)),
    "tiff whose tags share the file": tiff_shared_tags,
    "tiff with pages without end": tiff_directories,
    "tiff that is a broken fax of 40 million lines": fax,
    "tiff with pages in a circle": tiff_circle,
    "avif with a large exif": lambda budget: saved(
        picture(), "AVIF", exif=b"Exif\0\0" + directory(60_000, max(1, budget - 800_000))
    ),
    "avif with a large profile": lambda budget: saved(picture(), "AVIF", icc_profile=bytes(budget - 1000)),
    # Animations.
    "gif with frames without end": gif_animation,
    "webp with frames without end": webp_animation,
    "apng of 2,000 frames": lambda _: animation("PNG", 2000),
    "avif of 1,000 frames": lambda _: animation("AVIF", 1000, speed=10),
    # Something else, or two things at once.
    "svg under a picture's name": svg,
    "pdf under a picture's name": lambda _: b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n" + bytes(5000),
    "pdf that is a jpeg as well": lambda _: plain("JPEG")[:2] + segment(0xFE, b"%PDF-1.7\n") + plain("JPEG")[2:],
    "jpeg with a page behind it": lambda _: plain("JPEG") + b"<html><script>alert(1)</script></html>",
    "gif that is a script": lambda _: b"GIF89a/*" + plain("GIF")[8:] + b"*/=1;alert(1)",
    "zip behind a png": lambda _: plain("PNG") + b"PK\x03\x04" + bytes(500),
    "eps": lambda _: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
    "photoshop": lambda _: b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 64, 64, 8, 3) + bytes(500),
    "icon": lambda _: saved(picture(), "ICO"),
    "jpeg 2000": lambda _: b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(500),
    "only a signature of png": lambda _: b"\x89PNG\r\n\x1a\n",
    "only the start of jpeg": lambda _: b"\xff\xd8\xff",
    "nothing but zeros": bytes,
    "0 × 0 png": lambda _: png(b"")[:16] + bytes(8) + png(b"")[24:],
    "1 × 10,000,000 png": lambda _: png(b"", 1, 10_000_000),
    "10,000,000 × 1 png": lambda _: png(b"", 10_000_000, 1),
}
"""What each is, and how it is made from a budget in bytes."""

HOSTILE_HEIC: dict[str, MakeFile] = {
    "heic of 12 million pixels in one colour": lambda _: heic(3500),
    "heic that says 64 × 64 and is 1,024 × 1,024": lambda _: resized_ispe(heic(1024), 64, 64),
    "heic that says 30,000 × 30,000": lambda _: resized_ispe(heic(64), 30_000, 30_000),
}
"""The same where pillow-heif is installed."""
