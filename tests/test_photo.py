# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos of every kind come out upright and in their true colours, or with one clear sentence."""

import hashlib
import io
import os
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from face_depth_addon.core import photo as photo_module
from face_depth_addon.core.errors import PhotoError
from face_depth_addon.core.photo import Photo, decode_photo, load_photo, photo_from_pixels

WIDTH, HEIGHT = 64, 48
CORNERS = {  # (bottom, right): colour; no two corners alike, so every flip and swap shows
    (0, 0): (220, 40, 30),
    (0, 1): (30, 200, 50),
    (1, 0): (40, 60, 210),
    (1, 1): (230, 210, 60),
}


def quadrants() -> np.ndarray:
    """(48, 64, 3) uint8: four plain quadrants of different colours."""
    rgb = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    for (bottom, right), colour in CORNERS.items():
        rows = slice(HEIGHT // 2 * bottom, HEIGHT // 2 * (bottom + 1))
        rgb[rows, WIDTH // 2 * right : WIDTH // 2 * (right + 1)] = colour
    return rgb


def grey_quadrants() -> np.ndarray:
    return quadrants()[..., 0]


def cut_out_alpha() -> np.ndarray:
    """(48, 64) uint8: clear at the top left, half clear at the bottom right."""
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:10, :20] = 0
    alpha[-8:, -30:] = 128
    return alpha


def saved(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def encoded(suffix: str, pixels: np.ndarray) -> bytes:
    """File by OpenCV, of RGB or RGBA pixels."""
    order = [2, 1, 0, 3][: pixels.shape[2]] if pixels.ndim == 3 else None
    done, data = cv2.imencode(suffix, pixels if order is None else pixels[..., order])
    assert done
    return data.tobytes()


def linear(srgb: np.ndarray) -> np.ndarray:
    value = srgb.astype(np.float64) / 255.0
    decoded = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return decoded.astype(np.float32)


def centres(rgb: np.ndarray) -> np.ndarray:
    """Colours at the middle of the four quadrants, where no codec blurs them."""
    height, width = rgb.shape[:2]
    return rgb[np.ix_([height // 4, height * 3 // 4], [width // 4, width * 3 // 4])].astype(int)


def assert_shows(photo: Photo, rgb: np.ndarray, tolerance: int) -> None:
    assert photo.rgb.dtype == np.uint8 and photo.rgb.shape == rgb.shape
    assert np.abs(centres(photo.rgb) - centres(rgb)).max() <= tolerance


def assert_one_sentence(error: PhotoError, name: str) -> None:
    message = str(error)
    assert name in message
    assert message.isprintable() and len(message) < 250
    assert message.endswith(".") and ". " not in message


RGB = Image.fromarray(quadrants())
RGBA = Image.fromarray(np.dstack([quadrants(), cut_out_alpha()]))
# Corners in the palette: quantising to few colours keeps these four exactly.
PALETTE = RGB.quantize(8)
TWO = {"save_all": True, "append_images": [RGB]}


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        pytest.param(saved(RGB, "JPEG", quality=95, subsampling=0), 3, id="jpeg"),
        pytest.param(saved(RGB, "JPEG", quality=95, progressive=True), 3, id="jpeg-progressive"),
        pytest.param(saved(RGB, "MPO", quality=95, **TWO), 3, id="mpo"),
        pytest.param(saved(RGB, "PNG"), 0, id="png"),
        pytest.param(saved(PALETTE, "PNG"), 0, id="png-palette"),
        pytest.param(saved(RGB, "WEBP", lossless=True), 0, id="webp-lossless"),
        pytest.param(saved(RGB, "WEBP", quality=95), 6, id="webp"),
        pytest.param(saved(RGB, "TIFF"), 0, id="tiff"),
        pytest.param(saved(RGB, "TIFF", compression="tiff_lzw"), 0, id="tiff-lzw"),
        pytest.param(saved(RGB, "BMP"), 0, id="bmp"),
        pytest.param(saved(RGB, "PPM"), 0, id="ppm"),
        pytest.param(saved(PALETTE, "GIF"), 0, id="gif"),
        pytest.param(encoded(".png", quadrants().astype(np.uint16) * 257), 0, id="png-16-bit"),
        pytest.param(encoded(".tiff", quadrants().astype(np.uint16) * 257), 0, id="tiff-16-bit"),
        pytest.param(encoded(".exr", linear(quadrants())), 1, id="exr"),
        pytest.param(encoded(".hdr", linear(quadrants())), 3, id="radiance-hdr"),
    ],
)
def test_every_kind_keeps_orientation_and_colours(data, tolerance):
    photo = decode_photo(data, "face")

    assert_shows(photo, quadrants(), tolerance)
    assert photo.alpha is None
    assert photo.digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animation_gives_its_first_frame(kind):
    frames = [Image.fromarray(255 - quadrants()).convert(PALETTE.mode) for _ in range(2)]
    first = PALETTE if kind == "GIF" else RGB
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(first, kind, save_all=True, append_images=frames, duration=100, **options)
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames > 1

    assert_shows(decode_photo(data, "moving"), quadrants(), 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "to_stored"),
    [
        (1, None),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ],
)
def test_exif_rotation_is_undone_once(kind, orientation, to_stored, monkeypatch):
    monkeypatch.setattr(photo_module, "_STRIP_PIXELS", 5 * WIDTH)  # several strips, odd rest
    source = RGB if kind == "JPEG" else RGBA
    stored = source if to_stored is None else source.transpose(to_stored)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True, "exact": True}}.get(kind, {})

    photo = decode_photo(saved(stored, kind, exif=exif, **options), "turned")

    assert_shows(photo, quadrants(), 3 if kind == "JPEG" else 0)
    if kind != "JPEG":
        assert np.array_equal(photo.rgb, quadrants())
        assert np.array_equal(photo.alpha, cut_out_alpha())


@pytest.mark.parametrize(("stored", "expected"), [(26, 26.0), (0, None), (None, None)])
def test_focal_length_comes_from_exif(stored, expected):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Phone"
    if stored is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = stored

    assert decode_photo(saved(RGB, "JPEG", exif=exif), "phone.jpg").focal_35mm == expected


@pytest.mark.parametrize("orientation", [0, 9, 700])
def test_unknown_orientation_leaves_the_photo_as_it_lies(orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation

    assert_shows(decode_photo(saved(RGB, "PNG", exif=exif), "odd.png"), quadrants(), 0)


def test_damaged_exif_does_not_cost_the_photo():
    broken = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(200))

    photo = decode_photo(saved(RGB, "JPEG", quality=95, exif=broken), "edited.jpg")

    assert_shows(photo, quadrants(), 3)
    assert photo.focal_35mm is None


@pytest.mark.parametrize(
    ("data", "alpha"),
    [
        pytest.param(saved(RGBA, "PNG"), cut_out_alpha(), id="rgba-png"),
        pytest.param(saved(RGBA, "WEBP", lossless=True, exact=True), cut_out_alpha(), id="webp"),
        pytest.param(saved(RGBA, "TIFF"), cut_out_alpha(), id="tiff"),
        pytest.param(
            encoded(".png", np.asarray(RGBA).astype(np.uint16) * 257), cut_out_alpha(), id="16-bit"
        ),
        pytest.param(
            saved(PALETTE, "PNG", transparency=PALETTE.getpixel((0, 0))),
            np.where((quadrants() == CORNERS[0, 0]).all(axis=2), 0, 255),
            id="palette",
        ),
        pytest.param(
            saved(RGB, "PNG", transparency=CORNERS[1, 0]),
            np.where((quadrants() == CORNERS[1, 0]).all(axis=2), 0, 255),
            id="colour-key",
        ),
    ],
)
def test_alpha_is_kept_straight(data, alpha):
    photo = decode_photo(data, "cut-out")

    assert photo.alpha.dtype == np.uint8
    assert np.array_equal(photo.alpha, alpha)
    assert np.array_equal(photo.rgb, quadrants())


def grey_alpha(grey: np.ndarray) -> Image.Image:
    return Image.merge("LA", (Image.fromarray(grey), Image.fromarray(cut_out_alpha())))


def premultiplied_grey_tiff() -> bytes:
    grey = np.rint(grey_quadrants() * (cut_out_alpha() / 255)).astype(np.uint8)
    straight, premultiplied = (struct.pack("<HHIHH", 338, 3, 1, kind, 0) for kind in (2, 1))
    data = saved(grey_alpha(grey), "TIFF")
    assert straight in data
    return data.replace(straight, premultiplied)


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        pytest.param(saved(grey_alpha(grey_quadrants()), "PNG"), 0, id="png"),
        pytest.param(premultiplied_grey_tiff(), 1, id="premultiplied-tiff"),
    ],
)
def test_grey_with_alpha_becomes_rgb_with_alpha(data, tolerance):
    photo = decode_photo(data, "grey")

    seen = cut_out_alpha() > 0
    assert np.abs(photo.rgb.astype(int)[seen] - grey_quadrants()[seen][:, None]).max() <= tolerance
    assert np.array_equal(photo.alpha, cut_out_alpha())


def test_opaque_alpha_counts_as_none():
    assert decode_photo(saved(RGB.convert("RGBA"), "PNG"), "opaque.png").alpha is None


def test_exr_colours_are_divided_by_alpha():
    alpha = np.full((HEIGHT, WIDTH, 1), 0.5, np.float32)
    premultiplied = np.concatenate([linear(quadrants()) * alpha, alpha], axis=2)

    photo = decode_photo(encoded(".exr", premultiplied), "render.exr")

    assert_shows(photo, quadrants(), 1)
    assert set(np.unique(photo.alpha)) == {128}


def tiff_of(values: np.ndarray, bits: int, byte_order: str = "<", **tags: int) -> bytes:
    """Uncompressed one-strip grey TIFF; tags: sample_format, photometric, width."""
    height, width = values.shape
    pixels = values.tobytes()
    entries = [
        (256, 4, tags.get("width", width)),
        (257, 4, height),
        (258, 3, bits),
        (259, 3, 1),
        (262, 3, tags.get("photometric", 1)),
        (273, 4, 8),
        (277, 3, 1),
        (278, 4, height),
        (279, 4, len(pixels)),
        (339, 3, tags.get("sample_format", 1)),
    ]
    mark = b"II" if byte_order == "<" else b"MM"
    directory = struct.pack(byte_order + "H", len(entries))
    for tag, kind, value in entries:
        directory += struct.pack(byte_order + "HHI", tag, kind, 1)
        directory += struct.pack(byte_order + ("H2x" if kind == 3 else "I"), value)
    head = mark + struct.pack(byte_order + "HI", 42, 8 + len(pixels))
    return head + pixels + directory + bytes(4)


def packed_12_bit(values: np.ndarray) -> np.ndarray:
    """Two 12-bit values in three bytes, as (H, W * 3 / 2) uint8."""
    first, second = values[:, 0::2], values[:, 1::2]
    parts = [first >> 4, (first & 15) << 4 | second >> 8, second & 255]
    return np.stack(parts, axis=2).reshape(len(values), -1).astype(np.uint8)


GREY = grey_quadrants().astype(np.int64)


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        pytest.param(saved(Image.fromarray(grey_quadrants()), "PNG"), 0, id="8-bit"),
        pytest.param(encoded(".png", (GREY * 256 + 99).astype(np.uint16)), 0, id="png-16"),
        pytest.param(tiff_of((GREY * 256 + 99).astype("<u2"), 16), 0, id="tiff-16"),
        pytest.param(tiff_of((GREY * 256 + 99).astype(">u2"), 16, ">"), 0, id="tiff-16-big"),
        pytest.param(
            tiff_of((65535 - GREY * 257).astype("<u2"), 16, photometric=0), 0, id="white-is-zero"
        ),
        pytest.param(tiff_of(packed_12_bit(GREY * 16 + 9), 12, width=WIDTH), 0, id="tiff-12"),
        pytest.param(tiff_of((GREY << 24).astype("<u4"), 32), 0, id="tiff-32"),
        pytest.param(tiff_of((GREY << 7).astype("<i2"), 16, sample_format=2), 0, id="signed-16"),
        pytest.param(tiff_of((GREY << 23).astype("<i4"), 32, sample_format=2), 0, id="signed-32"),
        pytest.param(saved(Image.fromarray((GREY / 255).astype("f4")), "TIFF"), 1, id="float-unit"),
        pytest.param(saved(Image.fromarray(GREY.astype("f4")), "TIFF"), 1, id="float-255"),
        pytest.param(
            saved(Image.fromarray((GREY * 257).astype("f4")), "TIFF"), 1, id="float-65535"
        ),
        pytest.param(encoded(".exr", linear(grey_quadrants())), 1, id="exr-grey"),
    ],
)
def test_grey_of_any_depth_keeps_its_tones(data, tolerance):
    photo = decode_photo(data, "scan")

    assert_shows(photo, np.repeat(grey_quadrants()[..., None], 3, axis=2), tolerance)


def test_16_bit_white_stays_white_and_black_black():
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)

    photo = decode_photo(encoded(".png", ramp), "ramp.png")

    assert np.array_equal(photo.rgb[..., 1], ramp >> 8)


def test_one_bit_is_black_and_white():
    photo = decode_photo(saved(Image.fromarray(grey_quadrants() > 100), "PNG"), "fax.png")

    assert np.array_equal(photo.rgb[..., 2], np.where(grey_quadrants() > 100, 255, 0))


def cmyk_quadrants() -> tuple[np.ndarray, np.ndarray]:
    """Ink (48, 64, 4) uint8 with some black, and the RGB that it prints."""
    black = np.full((HEIGHT, WIDTH, 1), 25, np.uint8)
    scale = (255 - black.astype(float)) / 255
    ink = 255 - np.clip(quadrants() / scale, 0, 255)
    return np.concatenate([np.rint(ink).astype(np.uint8), black], axis=2), quadrants()


def test_adobe_cmyk_jpeg_is_not_inverted():
    ink, printed = cmyk_quadrants()
    data = saved(Image.fromarray(ink, "CMYK"), "JPEG", quality=98, subsampling=0)
    assert b"Adobe" in data

    assert_shows(decode_photo(data, "print.jpg"), printed, 4)


def test_adobe_ycck_jpeg_is_not_inverted():
    ink, printed = cmyk_quadrants()
    # The file holds Y, Cb, Cr of the ink and inverted black; Pillow inverts all as it saves.
    ycc = np.asarray(Image.fromarray(ink[..., :3]).convert("YCbCr"))
    planes = np.concatenate([255 - ycc, ink[..., 3:]], axis=2)
    data = bytearray(saved(Image.fromarray(planes, "CMYK"), "JPEG", quality=98, subsampling=0))
    transform = data.index(b"Adobe") + 11
    assert data[transform] == 0
    data[transform] = 2

    assert_shows(decode_photo(bytes(data), "print.jpg"), printed, 4)


def profile_with(**primaries: tuple[float, float, float]) -> bytes:
    """The sRGB profile with other primaries, given as D50 XYZ under the tag's name."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", profile, 128)
    for index in range(count):
        tag, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        if tag.decode() in primaries:
            fixed = [round(value * 65536) for value in primaries[tag.decode()]]
            struct.pack_into(">3i", profile, offset + 8, *fixed)
    return bytes(profile)


DISPLAY_P3 = {
    "rXYZ": (0.51512, 0.24120, -0.00105),
    "gXYZ": (0.29198, 0.69225, 0.04189),
    "bXYZ": (0.15710, 0.06657, 0.78407),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_display_p3_skin_becomes_srgb(kind):
    skin_p3 = (201, 153, 128)
    to_srgb = np.array([[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]])
    mixed = to_srgb @ linear(np.array(skin_p3))
    expected = 255 * (1.055 * mixed ** (1 / 2.4) - 0.055)
    image = Image.new("RGB", (40, 40), skin_p3)
    options = {"lossless": True} if kind == "WEBP" else {}

    photo = decode_photo(
        saved(image, kind, icc_profile=profile_with(**DISPLAY_P3), **options), "iphone"
    )

    assert np.abs(expected - skin_p3).max() > 5
    assert np.abs(photo.rgb[20, 20] - expected).max() < 2.5


def test_profile_applies_to_alpha_and_palette_pictures_too():
    profile = profile_with(**DISPLAY_P3)
    plain = decode_photo(saved(RGB, "PNG", icc_profile=profile), "plain.png")

    with_alpha = decode_photo(saved(RGBA, "PNG", icc_profile=profile), "alpha.png")
    palette = decode_photo(saved(PALETTE, "PNG", icc_profile=profile), "palette.png")

    assert np.array_equal(with_alpha.rgb, plain.rgb) and np.array_equal(palette.rgb, plain.rgb)
    assert np.array_equal(with_alpha.alpha, cut_out_alpha())
    assert not np.array_equal(plain.rgb, quadrants())


def linear_grey_profile() -> bytes:
    """The least ICC profile that says grey values are linear light."""
    d50 = struct.pack(">3i", 63190, 65536, 54061)
    tags = [(b"wtpt", b"XYZ " + bytes(4) + d50), (b"kTRC", b"curv" + bytes(8))]
    table, body = struct.pack(">I", len(tags)), b""
    for tag, content in tags:
        table += struct.pack(">4sII", tag, 128 + 4 + 12 * len(tags) + len(body), len(content))
        body += content
    head = struct.pack(">I4sI", 128 + len(table + body), bytes(4), 0x02100000) + b"mntrGRAYXYZ "
    head += bytes(12) + b"acsp" + bytes(28) + d50
    return head.ljust(128, b"\0") + table + body


@pytest.mark.parametrize(
    "stored",
    [
        Image.new("L", (40, 40), 55),
        Image.new("LA", (40, 40), (55, 99)),
        Image.fromarray(np.full((40, 40), 55 * 256, np.uint16)),
    ],
    ids=["8-bit", "alpha", "16-bit"],
)
def test_grey_profile_is_converted(stored):
    photo = decode_photo(saved(stored, "PNG", icc_profile=linear_grey_profile()), "linear.png")

    assert np.abs(photo.rgb[20, 20].astype(int) - 128).max() <= 1  # sRGB of 55 / 255


@pytest.mark.parametrize(
    "profile",
    [b"no profile at all", profile_with()[:200], bytes(400)],
    ids=["text", "cut", "zeros"],
)
def test_broken_profile_falls_back_to_the_plain_colours(profile):
    assert_shows(decode_photo(saved(RGB, "PNG", icc_profile=profile), "old.png"), quadrants(), 0)


def test_profile_of_another_colour_space_is_ignored():
    profile = profile_with(**DISPLAY_P3)
    ink, printed = cmyk_quadrants()
    image = Image.fromarray(ink, "CMYK")
    data = saved(image, "JPEG", quality=98, subsampling=0, icc_profile=profile)

    assert_shows(decode_photo(data, "print.jpg"), printed, 4)


@pytest.mark.parametrize("name", ["Zoë 顔 😀.JPG", "no suffix", "really a png.jpeg"])
def test_file_is_told_by_content_under_any_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(saved(RGB, "PNG"))

    photo = load_photo(str(path))

    assert np.array_equal(photo.rgb, quadrants())
    assert photo.name == name


def exr_with_window(left: int, top: int, right: int, bottom: int) -> bytes:
    data = bytearray(encoded(".exr", linear(quadrants())))
    offset = data.index(b"dataWindow\0box2i\0") + 17 + 4
    struct.pack_into("<4i", data, offset, left, top, right, bottom)
    return bytes(data)


def png_header(width: int, height: int) -> bytes:
    """PNG that claims a size and holds almost nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b"")
    )


def webp_header(width: int, height: int) -> bytes:
    """Lossless WebP that claims a size and holds a small picture."""
    data = bytearray(saved(RGB, "WEBP", lossless=True))
    offset = data.index(b"VP8L") + 9
    struct.pack_into("<I", data, offset, (width - 1) | (height - 1) << 14)
    return bytes(data)


def bad_crc() -> bytes:
    data = bytearray(saved(RGB, "PNG"))
    data[data.index(b"IDAT") + 8] ^= 0xFF
    return bytes(data)


def with_nan() -> np.ndarray:
    pixels = linear(quadrants())
    pixels[20, 30, 1] = np.nan
    return pixels


def camera_raw() -> bytes:
    thumbnail = Image.new("RGB", (160, 120))
    return saved(thumbnail, "TIFF", tiffinfo={50706: b"\1\4\0\0", 254: 1})


def iso_media(brand: bytes) -> bytes:
    return struct.pack(">I4s4sI4s", 20, b"ftyp", brand, 0, brand) + bytes(500)


JPEG = saved(RGB, "JPEG")
NARROW = saved(Image.new("L", (32, 32 * 21)), "PNG")

BAD_FILES = {
    "empty": (b"", "empty"),
    "text": (b"Dear photo,\nthis is no picture.\n" * 20, "not a picture"),
    "zeros": (bytes(5000), "not a picture"),
    "one-byte": (b"\xff", "not a picture"),
    "cut-jpeg": (JPEG[: len(JPEG) // 2], "damaged"),
    "cut-jpeg-header": (JPEG[:30], "damaged"),
    "cut-png": (saved(RGB, "PNG")[:90], "damaged"),
    "png-signature-only": (saved(RGB, "PNG")[:8], "not a picture"),
    "png-bad-crc": (bad_crc(), "damaged"),
    "cut-webp": (saved(RGB, "WEBP")[:60], "damaged"),
    "cut-tiff": (saved(RGB, "TIFF")[:4000], "damaged"),
    "cut-gif": (saved(PALETTE, "GIF")[:40], "damaged"),
    "cut-exr": (encoded(".exr", linear(quadrants()))[:600], "damaged"),
    "exr-header-cut": (encoded(".exr", linear(quadrants()))[:40], "damaged"),
    "exr-nan": (encoded(".exr", with_nan()), "not a number"),
    "exr-infinite": (encoded(".exr", np.where(with_nan() > 0, np.inf, 0).astype("f4")), "infinite"),
    "exr-huge": (exr_with_window(0, 0, 99_999, 99_999), "24 million"),
    "exr-backwards": (exr_with_window(50, 50, 0, 0), "damaged"),
    "hdr-no-size": (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\nhello\n", "damaged"),
    "hdr-huge": (b"#?RADIANCE\n\n-Y 90000 +X 90000\n" + bytes(99), "24 million"),
    "float-nan": (saved(Image.fromarray(with_nan()[..., 1]), "TIFF"), "not a number"),
    "pdf": (b"%PDF-1.7\n" + bytes(100), "PDF"),
    "psd": (b"8BPS\0\1" + bytes(100), "Photoshop"),
    "svg": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "html": (b"\n<!DOCTYPE html><html><body>404</body></html>", "web page"),
    "mp4": (iso_media(b"isom"), "video"),
    "mkv": (b"\x1a\x45\xdf\xa3" + bytes(100), "video"),
    "avi": (b"RIFF\0\0\0\0AVI LIST" + bytes(100), "video"),
    "heic": (iso_media(b"heic"), "JPEG"),
    "heif": (iso_media(b"mif1"), "HEIC"),
    "cut-avif": (iso_media(b"avif"), "not a picture"),
    "cr2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(100), "camera raw"),
    "cr3": (iso_media(b"crx "), "camera raw"),
    "dng": (camera_raw(), "camera raw"),
    "just-too-many-pixels": (png_header(12_001, 10_000), "120 million"),
    "pillow-bomb": (png_header(60_000, 60_000), "120 million"),
    "webp-too-many-pixels": (webp_header(10_000, 4_001), "40 million"),
    "tiny": (saved(RGB.resize((31, 400)), "PNG"), "at least 32"),
    "narrow": (NARROW, "narrow"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_file_is_refused_in_one_sentence(tmp_path, kind):
    data, expected = BAD_FILES[kind]
    path = tmp_path / f"{kind}.jpg"
    path.write_bytes(data)

    with pytest.raises(PhotoError) as caught:
        load_photo(path)

    assert_one_sentence(caught.value, path.name)
    assert expected in str(caught.value)


def test_size_limits_still_admit_what_they_promise():
    narrowest = decode_photo(saved(Image.new("L", (32, 640)), "PNG"), "strip.png")

    assert narrowest.rgb.shape == (640, 32, 3)


@pytest.mark.parametrize(
    ("make_path", "expected"),
    [
        pytest.param(lambda folder: folder / "gone.jpg", "not found", id="missing"),
        pytest.param(lambda folder: folder / "album.jpg", "folder", id="folder"),
        pytest.param(lambda folder: folder / "note.txt" / "a.jpg", "a.jpg", id="file-as-folder"),
        pytest.param(lambda folder: folder / "nul\0face.jpg", "cannot be opened", id="nul"),
        pytest.param(lambda folder: folder / ("long" * 100 + ".jpg"), "longlong", id="long-name"),
        pytest.param(lambda folder: folder / "two\nlines.jpg", "two?lines.jpg", id="line-break"),
        pytest.param(lambda folder: folder / "huge.tif", "larger than 512 MB", id="huge"),
        pytest.param(lambda folder: Path(os.devnull), "choose a photo", id="device"),
    ],
)
def test_bad_path_is_refused_in_one_sentence(tmp_path, make_path, expected):
    (tmp_path / "album.jpg").mkdir()
    (tmp_path / "note.txt").write_text("note")
    with open(tmp_path / "huge.tif", "wb") as file:
        file.truncate(photo_module.MAX_FILE_BYTES + 1)  # sparse: takes no space

    with pytest.raises(PhotoError) as caught:
        load_photo(make_path(tmp_path))

    assert_one_sentence(caught.value, expected)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file"
)
def test_unreadable_file_is_refused(tmp_path):
    path = tmp_path / "private.png"
    path.write_bytes(saved(RGB, "PNG"))
    path.chmod(0)

    with pytest.raises(PhotoError, match="permissions") as caught:
        load_photo(path)

    assert_one_sentence(caught.value, path.name)


def test_exr_without_the_codec_says_so():
    script = (
        "import sys; from face_depth_addon.core.photo import decode_photo\n"
        "from face_depth_addon.core.errors import PhotoError\n"
        "try: decode_photo(sys.stdin.buffer.read(), 'face.exr')\n"
        "except PhotoError as error: print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        input=encoded(".exr", linear(quadrants())),
        env={**os.environ, "OPENCV_IO_ENABLE_OPENEXR": "0"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        check=True,
    )

    assert b'"face.exr" needs OpenEXR' in done.stdout


def test_blender_pixels_round_trip_8_bit_colours():
    pixels = np.dstack([quadrants(), cut_out_alpha()]).astype(np.float32) / 255

    photo = photo_from_pixels(pixels, "Face", linear=False)

    assert np.array_equal(photo.rgb, quadrants())
    assert np.array_equal(photo.alpha, cut_out_alpha())
    assert photo.name == "Face" and photo.focal_35mm is None


def test_linear_pixels_are_encoded_and_clipped():
    pixels = linear(quadrants())
    pixels[0, 0] = (7.0, -2.0, 0.5)
    pixels[0, 1] = 0.001

    photo = photo_from_pixels(pixels, "Render", linear=True)

    assert np.array_equal(photo.rgb[1:], quadrants()[1:])
    assert photo.rgb[0, 0].tolist() == [255, 0, 188]
    assert photo.rgb[0, 1].tolist() == [3, 3, 3]


def test_grey_pixels_become_rgb():
    photo = photo_from_pixels(grey_quadrants()[..., None] / np.float32(255), "Grey", linear=False)

    assert np.array_equal(photo.rgb, np.repeat(grey_quadrants()[..., None], 3, axis=2))


def test_digest_tells_pictures_apart_and_same_ones_together():
    pixels = quadrants().astype(np.float32) / 255
    first = photo_from_pixels(pixels, "One", linear=False).digest
    transparent = np.dstack([pixels, cut_out_alpha() / np.float32(255)])

    assert photo_from_pixels(pixels.copy(), "Two", linear=False).digest == first
    assert photo_from_pixels(pixels[:, ::-1], "One", linear=False).digest != first
    assert photo_from_pixels(transparent, "One", linear=False).digest != first


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        pytest.param(with_nan(), "not a number", id="nan"),
        pytest.param(np.full((40, 40, 4), np.inf, np.float32), "infinite", id="infinite"),
        pytest.param(np.zeros((40, 40, 2), np.float32), "grey, RGB or RGBA", id="two-channels"),
        pytest.param(np.zeros((40, 40), np.float32), "grey, RGB or RGBA", id="flat"),
        pytest.param(np.zeros((0, 0, 4), np.float32), "at least 32", id="empty"),
        pytest.param(np.zeros((40, 1000, 3), np.float32), "narrow", id="narrow"),
    ],
)
def test_bad_pixels_are_refused_in_one_sentence(pixels, expected):
    with pytest.raises(PhotoError, match=expected) as caught:
        photo_from_pixels(pixels, "Render Result", linear=True)

    assert_one_sentence(caught.value, "Render Result")


def mutants(data: bytes, count: int, seed: int):
    """Truncated and bit-flipped variants; half of the flips hit the header."""
    dice = random.Random(seed)
    for index in range(count):
        mutant = bytearray(data)
        if index % 4 == 0:
            del mutant[dice.randrange(1, len(data)) :]
        for _ in range(dice.randrange(index % 4 > 0, 9)):
            reach = len(mutant) if dice.random() < 0.5 else min(len(mutant), 200)
            mutant[dice.randrange(reach)] ^= 1 << dice.randrange(8)
        yield bytes(mutant)


NOISE = Image.fromarray(
    np.clip(quadrants() + np.random.default_rng(1).integers(-20, 21, (HEIGHT, WIDTH, 3)), 0, 255)
    .astype(np.uint8)
)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(saved(NOISE, "JPEG", icc_profile=profile_with(**DISPLAY_P3)), id="jpeg"),
        pytest.param(saved(NOISE, "PNG"), id="png"),
        pytest.param(saved(RGBA, "WEBP"), id="webp"),
        pytest.param(saved(NOISE, "TIFF", compression="tiff_lzw"), id="tiff"),
        pytest.param(tiff_of((GREY * 257).astype("<u2"), 16), id="tiff-16"),
        pytest.param(saved(NOISE.quantize(64), "GIF"), id="gif"),
        pytest.param(encoded(".exr", linear(np.asarray(NOISE))), id="exr"),
    ],
)
def test_damaged_bytes_load_or_are_refused(data):
    decode_photo(data, "whole.jpg")
    refused = 0
    for mutant in mutants(data, 200, seed=7):
        try:
            photo = decode_photo(mutant, "fuzz.jpg")
        except PhotoError as error:
            refused += 1
            assert_one_sentence(error, "fuzz.jpg")
        else:
            assert photo.rgb.dtype == np.uint8 and photo.rgb.shape[2] == 3
    assert refused > 20
