"""Images in archives, arrays and alone, the worst of them too."""

import io
import random
import stat
import struct
import subprocess
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.errors import InvalidData, ServiceError, Unreadable, UploadTooLarge
from app.payloads import archives, frames, images
from app.payloads.uploads import Upload
from app.settings import Settings

ROOT = Path(__file__).parents[2]


def encoded(mode="RGB", form="PNG", size=(6, 4), **options):
    sink = io.BytesIO()
    Image.new(mode, size).save(sink, form, **options)
    return sink.getvalue()


def zipped(files, compression=zipfile.ZIP_DEFLATED):
    """Return a zip of {name or ZipInfo: content}, as pairs where a name comes twice."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", compression) as archive, warnings.catch_warnings():
        # A name that is there twice.
        warnings.simplefilter("ignore")
        for name, content in files.items() if isinstance(files, dict) else files:
            archive.writestr(name, content)
    return sink.getvalue()


def numpy(**arrays):
    sink = io.BytesIO()
    np.savez_compressed(sink, **arrays)
    return sink.getvalue()


def read(data, name="x.zip", **limits):
    return frames.read(Upload("raw_data", data, filename=name), Settings(**limits))


def faults(data, name="x.zip"):
    with pytest.raises(InvalidData) as refusal:
        read(data, name)
    return {fault.pointer: fault.detail for fault in refusal.value.faults}


def claimed(width, height):
    """Return a PNG whose header claims a size, and whose pixels are not there."""
    chunks = b"\x89PNG\r\n\x1a\n"
    for chunk in (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT", b"IEND"):
        chunks += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return chunks


def test_a_zip_has_a_row_a_file_and_the_folder_that_tells_them_apart(png):
    photo = encoded(form="JPEG")
    frame = read(zipped({"all/cats/1.png": png, "all/dogs/big/2.jpg": photo, "all/3.png": png}))
    assert frame["file"].tolist() == ["all/cats/1.png", "all/dogs/big/2.jpg", "all/3.png"]
    assert frame["image"].tolist() == [png, photo, png]
    assert frame["folder"].fillna("none").tolist() == ["cats", "dogs", "none"]
    assert images.is_images(frame)


def test_files_in_no_folder_have_none(png):
    assert read(zipped({"1.png": png, "2.png": png}))["folder"].isna().all()


def test_what_systems_put_beside_files_is_left_out(png):
    beside = ["__MACOSX/a/._1.png", "a/.DS_Store", ".git/config", "a/Thumbs.db", "a/desktop.ini"]
    data = zipped({"a/": b"", **dict.fromkeys(beside, b"x"), "./a/1.png": png})
    assert read(data)["file"].tolist() == ["a/1.png"]


def test_a_zip_of_windows_has_forward_slashes(png):
    assert read(zipped({"a\\1.png": png, "b\\2.png": png}))["file"].tolist() == ["a/1.png", "b/2.png"]


@pytest.mark.parametrize(
    "name",
    ["../1.png", "a/../../1.png", "/etc/1.png", "C:\\1.png", "..\\1.png", "a\n.png", "x" * 600 + ".png", "//a/1.png"],
)
def test_a_path_that_leads_out_of_the_archive_is_refused(png, name):
    assert len(faults(zipped({name: png, "good.png": png}))) == 1


def test_a_name_with_a_zero_is_refused(png):
    data = zipped({"aXb.png": png}).replace(b"aXb.png", b"a\0b.png")
    with pytest.raises(ServiceError) as refusal:
        read(data)
    assert refusal.value.status in (400, 422)


def test_links_are_refused(png):
    link = zipfile.ZipInfo("a.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    assert faults(zipped([(link, "/etc/passwd"), ("b.png", png)])) == {"/raw_data/a.png": "is a link"}


def test_encrypted_files_are_refused(png):
    data = bytearray(zipped({"a.png": png}))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert faults(bytes(data)) == {"/raw_data/a.png": "is encrypted"}


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(png, compression):
    assert "deflate" in faults(zipped({"a.png": png}, compression))["/raw_data/a.png"]


def test_a_file_that_is_there_twice_is_refused(png):
    assert faults(zipped([("a.png", png), ("./a.png", png)])) == {"/raw_data/a.png": "is there more than once"}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"text", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0" + b"\0" * 100,
        claimed(9, 9)[:33],
        encoded()[:-20], encoded(form="JPEG")[:-200], encoded("P", "GIF"), encoded(form="TIFF"),
        zipped({"b.png": encoded()}),
    ],
    ids=[
        "empty", "text", "GIF's head", "PNG's head", "JPEG's head", "JPEG of zeros", "header alone", "cut PNG",
        "cut JPEG", "GIF", "TIFF", "zip in a zip",
    ],
)  # fmt: skip
def test_a_file_that_is_no_image_is_named(png, content):
    found = faults(zipped({"good.png": png, "bad.png": content}))
    assert list(found) == ["/raw_data/bad.png"]


def test_a_png_with_a_flipped_bit_is_no_image(png):
    broken = bytearray(png)
    broken[45] ^= 1
    assert faults(bytes(broken), "a.png") == {"/raw_data": "cannot be decoded"}


@pytest.mark.parametrize(("width", "height"), [(5001, 5000), (2**31 - 1, 1), (20_000, 20_000)])
def test_an_image_of_very_many_pixels_is_refused_by_its_header(width, height):
    assert "million pixels" in faults(claimed(width, height), "a.png")["/raw_data"]


def test_very_many_pixels_together_are_refused():
    large = encoded("1", size=(5000, 5000))
    assert len(large) < 2**15
    with pytest.raises(UploadTooLarge, match="million pixels together"):
        read(zipped({f"{number}.png": large for number in range(17)}))


def test_a_zip_that_unfolds_to_too_much_is_refused():
    bomb = zipped({f"{number}.png": b"\0" * 2**20 for number in range(10)})
    assert len(bomb) < 2**15
    with pytest.raises(UploadTooLarge):
        read(bomb, max_upload_mb=1, max_cells=2**17)
    with pytest.raises(UploadTooLarge):
        read(zipped({"one.png": b"\0" * (2**20 + 1)}), max_upload_mb=1)


def test_a_zip_that_says_it_is_smaller_than_it_is_unfolds_no_further():
    data = bytearray(zipped({"a.png": b"\0" * 2**20}))
    for at in (data.index(b"PK\x03\x04") + 22, data.rindex(b"PK\x01\x02") + 24):
        data[at : at + 4] = struct.pack("<I", 10)
    with pytest.raises(ServiceError) as refusal:
        read(bytes(data))
    assert refusal.value.status in (400, 422)


def test_very_many_entries_are_refused_before_they_are_listed(monkeypatch):
    monkeypatch.setattr(archives, "MOST_FILES", 3)
    with pytest.raises(UploadTooLarge, match="more than 3 files"):
        read(zipped({f"{number}.txt": b"" for number in range(4)}))


def test_a_zip_without_images_is_refused():
    assert list(faults(zipped({}))) == ["/raw_data"]
    assert list(faults(zipped({"a/": b""}))) == ["/raw_data"]


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04", b"PK\x05\x06" + b"\xff" * 18, b"x" * 100, zipped({"a": b"b"})[:-5]],
    ids=["nothing", "its beginning", "its end", "something else", "cut off"],
)
def test_what_is_no_zip_is_unreadable(data):
    with pytest.raises(Unreadable):
        read(data)


def test_one_image_is_one_row(png):
    frame = read(png, "photos/cat.png")
    assert frame.drop(columns="image").to_dict("list") == {"file": ["cat.png"]}
    assert frame["image"].tolist() == [png]


@pytest.mark.parametrize(
    ("mode", "form", "options"),
    [
        ("1", "PNG", {}), ("L", "PNG", {}), ("LA", "PNG", {}), ("P", "PNG", {}), ("RGBA", "PNG", {}),
        ("I;16", "PNG", {}),
        ("L", "JPEG", {}), ("CMYK", "JPEG", {}), ("RGB", "JPEG", {"progressive": True}),
        ("RGB", "PNG", {"save_all": True, "append_images": [Image.new("RGB", (6, 4), "red")]}),
    ],
)  # fmt: skip
def test_every_mode_of_the_two_formats_is_an_image(mode, form, options):
    data = encoded(mode, form, **options)
    assert images.check(data) == 24
    assert images.size(data) == (4, 6, 1 if mode in ("1", "L", "LA", "I;16") else 3)


def test_arrays_are_images():
    bytes_ = np.random.default_rng(0).integers(0, 256, (3, 5, 7), dtype="uint8")
    frame = read(numpy(images=bytes_, ids=np.array([7, 8, 9]), labels=np.array(["a", "b", "a"])), "x.npz")
    assert frame["file"].tolist() == [7, 8, 9]
    assert frame["label"].tolist() == ["a", "b", "a"]
    for row, data in enumerate(frame["image"]):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), bytes_[row])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(np.array([0, 0.5, 1]), [0, 128, 255], id="from 0 to 1"),
        pytest.param(np.array([0, 0.1, 0.2], "float32"), [0, 26, 51], id="dark ones"),
        pytest.param(np.array([0, 1, 1], "int64"), [0, 1, 1], id="integers"),
        pytest.param(np.array([False, True, True]), [0, 255, 255], id="booleans"),
        pytest.param(np.array([0, 1, 255], ">u2"), [0, 1, 255], id="of another byte order"),
    ],
)
def test_arrays_of_any_number_become_bytes(values, expected):
    frame = read(numpy(x=values.reshape(1, 1, 3)), "x.npz")
    assert np.asarray(Image.open(io.BytesIO(frame["image"][0]))).ravel().tolist() == expected
    assert frame["file"].tolist() == [0]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_arrays_have_channels_last(channels, mode):
    data = np.asfortranarray(np.random.default_rng(0).integers(0, 256, (2, 4, 5, channels), dtype="uint8"))
    image = Image.open(io.BytesIO(read(numpy(x=data, y=np.array([[1.5], [2]])), "x.npz")["image"][1]))
    assert (image.mode, image.size) == (mode, (5, 4))
    np.testing.assert_array_equal(np.asarray(image).reshape(4, 5, channels), data[1])


NOISE = np.random.default_rng(0)
GOOD = np.zeros((2, 4, 4), "uint8")


@pytest.mark.parametrize(
    ("arrays", "pointer"),
    [
        pytest.param({"y": np.array([1, 2])}, "images", id="no images"),
        pytest.param({"x": GOOD, "images": GOOD}, "images", id="images twice"),
        pytest.param({"x": GOOD, "more": GOOD}, "more", id="an unknown array"),
        pytest.param({"x": GOOD[0]}, "images", id="one image without a first axis"),
        pytest.param({"x": np.zeros((2, 3, 8, 8))}, "images", id="channels first"),
        pytest.param({"x": GOOD - 1.0}, "images", id="negative"),
        pytest.param({"x": GOOD + np.uint16(256)}, "images", id="beyond a byte"),
        # Of another request none might be above 1, and the same pixel would be another.
        pytest.param({"x": GOOD + 200.0}, "images", id="floats from 0 to 255"),
        pytest.param({"x": GOOD + np.nan}, "images", id="not a number"),
        pytest.param({"x": GOOD.astype("str")}, "images", id="text"),
        pytest.param({"x": GOOD.astype("complex")}, "images", id="complex"),
        # Noise: what unfolds to a hundred times its size is refused before.
        pytest.param({"x": NOISE.integers(0, 256, (1, 1, 25_000_001), "uint8")}, "images", id="very large"),
        pytest.param({"x": GOOD, "y": np.array([1])}, "y", id="a label too few"),
        pytest.param({"x": GOOD, "y": np.eye(2)}, "y", id="a column a class"),
        pytest.param({"x": GOOD, "ids": np.array([1.5, 2])}, "ids", id="fractions for ids"),
        pytest.param({"x": GOOD, "ids": np.array([1, 2**64 - 1], "uint64")}, "ids", id="large ids"),
    ],
)
def test_arrays_that_are_no_images_are_named(arrays, pointer):
    assert list(faults(numpy(**arrays), "x.npz")) == [f"/raw_data/{pointer}"]


class Evil:
    def __reduce__(self):
        return print, ("unpickled",)


def header(text, version=b"\x01\x00"):
    size = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return b"\x93NUMPY" + version + size + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x93NUMPY", header("{"), header("x" * 20), header("[" * 9000),
        header("{'descr': '|u1', 'fortran_order': False, 'shape': (10000000000, 28, 28), }"),
        header("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 28, 28), }"),
        header("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 28, 28), }"),
        header("{'descr': '|S0', 'fortran_order': False, 'shape': (10000000000, 28, 28), }"),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }") + b"x" * 8,
        header("{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1,), }") + b"x",
        header("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1), }", b"\x09\x00") + b"x",
        header("{'descr': '|u1', 'fortran_order': False, 'shape': (True, 1, 1), }", b"\x02\x00") + b"xx",
        header("__import__('os').system('true')"),
    ],
)  # fmt: skip
def test_an_array_that_is_none_is_unreadable(content):
    with pytest.raises(Unreadable):
        read(zipped({"x.npy": content}), "x.npz")


def test_nothing_is_unpickled(capsys):
    sink = io.BytesIO()
    np.savez(sink, x=np.array([Evil()], dtype="object"))
    with pytest.raises(Unreadable):
        read(sink.getvalue(), "x.npz")
    assert "unpickled" not in capsys.readouterr().out


def test_text_of_code_points_that_are_none_is_unreadable():
    ids = np.frombuffer(struct.pack("<II", 0xD800, 65), dtype="<U1")
    with pytest.raises(Unreadable):
        read(numpy(x=GOOD, ids=ids), "x.npz")


#: Valid uploads, of which pieces are changed.
SEEDS = [
    ("x.zip", zipped({"a/1.png": encoded(), "b/2.jpg": encoded(form="JPEG"), ".x": b"y"})),
    ("x.npz", numpy(x=np.arange(48, dtype="uint8").reshape(3, 4, 4), y=np.array(["a", "b", "c"]))),
    ("x.zip", zipped({"1.png": encoded("P", transparency=0)}, zipfile.ZIP_STORED)),
    ("x.png", encoded("RGBA")),
    ("x.jpg", encoded(form="JPEG", exif=Image.Exif())),
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SEEDS), st.integers(0, 2**32), st.integers(1, 6), st.booleans())
def test_changed_uploads_are_read_or_refused(upload, seed, changes, cut):
    name, data = upload
    generator, changed = random.Random(seed), bytearray(data)  # noqa: S311  nothing is secret
    for _ in range(changes):
        changed[generator.randrange(len(changed))] = generator.choice([0, 1, 127, 255, generator.randrange(256)])
    data = bytes(changed[: generator.randrange(1, len(changed))] if cut else changed)
    with warnings.catch_warnings():
        # Pillow warns of what it mends.
        warnings.simplefilter("ignore")
        try:
            status = 200 if len(read(data, name)) else 500
        except ServiceError as error:
            status = error.status
    assert status < 500


#: Reads the upload on stdin in a process that may take little more memory than it has at its start.
READ = """
import resource, sys
import pandas, PIL.Image
from app.errors import ServiceError
from app.payloads import frames
from app.payloads.uploads import Upload
from app.settings import Settings
data = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    frames.read(Upload("raw_data", data, filename=sys.argv[1]), Settings())
    print("read", end=" ")
except ServiceError as error:
    print(error.status, end=" ")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize(
    ("make", "name", "statuses"),
    [
        pytest.param(lambda: zipped({f"{n}.png": b"\0" * 2**25 for n in range(9)}), "x.zip", {b"413"}, id="zeros"),
        pytest.param(lambda: numpy(x=np.zeros((300, 1024, 1024), "uint8")), "x.npz", {b"413"}, id="an array of zeros"),
        pytest.param(lambda: encoded("1", size=(20_000, 20_000)), "x.png", {b"422"}, id="a large image"),
    ],
)
def test_what_unfolds_to_hundreds_of_times_its_size_is_refused_before_it_does(make, name, statuses):
    data = make()
    assert len(data) < 2**20
    command = [sys.executable, "-c", READ, name]
    process = subprocess.run(command, input=data, cwd=ROOT, capture_output=True, timeout=100)
    assert process.returncode == 0, process.stderr.decode()
    status, grown = process.stdout.split()
    assert status in statuses
    assert int(grown) < 100, "mebibytes"


def test_file_names_are_told_by_the_end_of_their_paths_where_that_is_one_alone():
    paths = pd.Series(["all/a/1.png", "all/a/2.png", "all/b/2.png"])
    assert images.by_path(pd.Series(["1.png", "b/2.png"]), paths).tolist() == ["all/a/1.png", "all/b/2.png"]
    # Two are called so; and what is a path as it is stays one.
    assert images.by_path(pd.Series(["2.png"]), paths).tolist() == ["2.png"]
    assert images.by_path(paths, paths).tolist() == paths.tolist()
