"""A clock file holds numbers only: whatever is done to it, reading fails clearly or not at all."""

import json
import os
import resource
import struct
import tracemalloc
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from brainage.clock.model import clockfile
from brainage.clock.model.clockfile import content_hash, read_clock_file, write_clock_file
from brainage.errors import ClockFileError

META = {"estimator": "ridge", "ages": [18.0, 90.0], "cohort": {"n": 3, "sites": ["Zürich", "B"]}}
ARRAYS = {
    "weights": np.linspace(-1, 1, 15).reshape(3, 5),
    "residuals": np.arange(4, dtype=np.float32),
    "fold": np.array([0, 1, 2], dtype=np.int32),
    "level": np.array(0.9),
    "none": np.empty((0, 3)),
}


@pytest.fixture
def clock(tmp_path) -> Path:
    path = tmp_path / "reference.clock"
    write_clock_file(path, META, ARRAYS)
    return path


def _reseal(raw: bytes) -> bytes:
    """Give mutated bytes a fitting hash, so that the parser behind it is reached."""
    return raw[:24] + sha256(raw[8:24] + raw[64:]).digest() + raw[56:]


def test_round_trip_returns_every_value_and_shape(clock):
    meta, arrays = read_clock_file(clock)
    assert meta == META
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        np.testing.assert_array_equal(arrays[name], array)


def test_equal_content_gives_equal_bytes_whatever_the_order(clock, tmp_path):
    other = tmp_path / "other.clock"
    backwards = {name: ARRAYS[name] for name in reversed(ARRAYS)}
    backwards["weights"] = np.asfortranarray(ARRAYS["weights"]).astype(">f8")
    write_clock_file(other, dict(reversed(META.items())), backwards)
    assert other.read_bytes() == clock.read_bytes()


def test_content_hash_is_known_before_writing_and_changes_with_one_value(clock):
    assert bytes.fromhex(content_hash(META, ARRAYS)) == clock.read_bytes()[24:56]
    changed = {**ARRAYS, "level": np.nextafter(ARRAYS["level"], 1)}
    assert content_hash(META, changed) != content_hash(META, ARRAYS)


def test_a_changed_value_is_refused(clock):
    raw = bytearray(clock.read_bytes())
    raw[-70] ^= 1
    clock.write_bytes(raw)
    with pytest.raises(ClockFileError, match="truncated or edited"):
        read_clock_file(clock)


@pytest.mark.parametrize("kept", [0, 7, 63, 64, 100, -1])
def test_a_truncated_file_is_refused(clock, kept):
    clock.write_bytes(clock.read_bytes()[:kept])
    with pytest.raises(ClockFileError, match="another kind|truncated"):
        read_clock_file(clock)


def test_appended_bytes_are_refused(clock):
    clock.write_bytes(clock.read_bytes() + b"\0")
    with pytest.raises(ClockFileError, match="321 follow"):
        read_clock_file(clock)


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04" * 30, b"\x80\x04\x95" * 50, b"{}" * 99])
def test_a_foreign_file_is_called_foreign(tmp_path, raw):
    path = tmp_path / "foreign.clock"
    path.write_bytes(raw)
    with pytest.raises(ClockFileError, match="another kind of file"):
        read_clock_file(path)


def test_absent_file_and_folder_are_named(tmp_path):
    with pytest.raises(ClockFileError, match="no such file"):
        read_clock_file(tmp_path / "absent.clock")
    with pytest.raises(ClockFileError, match="folder"):
        read_clock_file(tmp_path)


def test_a_newer_format_asks_for_a_newer_brainage(clock):
    raw = bytearray(clock.read_bytes())
    raw[8:16] = struct.pack("<Q", clockfile.FORMAT_VERSION + 1)
    clock.write_bytes(_reseal(bytes(raw)))
    with pytest.raises(ClockFileError, match="newer brainage"):
        read_clock_file(clock)


def test_older_content_is_migrated_step_by_step(clock):
    def rename(meta, arrays):
        return {**meta, "renamed": meta["estimator"]}, arrays

    def double(meta, arrays):
        return meta, {**arrays, meta["renamed"]: arrays["level"] * 2}

    meta, arrays = clockfile.migrated(*read_clock_file(clock), [rename, double])
    assert meta["renamed"] == "ridge"
    assert arrays["ridge"] == 1.8


def test_every_older_version_has_its_migration():
    assert sorted(clockfile.MIGRATIONS) == list(range(1, clockfile.FORMAT_VERSION))


def test_the_first_file_ever_written_still_loads():
    # Written by scripts/reference/make_clock_v1.py with format 1; never regenerated.
    path = Path(__file__).parents[2] / "reference_values" / "format_v1.clock"
    meta, arrays = read_clock_file(path)
    assert meta["note"] == "written with clock format 1"
    np.testing.assert_array_equal(arrays["weights"], np.arange(6.0).reshape(2, 3) / 7)


def _resealed_listing(clock: Path, listing) -> None:
    header = json.dumps({"meta": {}, "arrays": listing}).encode()
    header += b" " * (-len(header) % 64)
    raw = clockfile.MAGIC + struct.pack("<QQ", 1, len(header)) + bytes(40) + header
    clock.write_bytes(_reseal(raw))


@pytest.mark.parametrize(
    "item",
    [
        {"name": "x", "dtype": "<f8", "shape": [2**40]},
        {"name": "x", "dtype": "<f8", "shape": [2**32, 2**32, 2**32]},
        {"name": "x", "dtype": "<f8", "shape": [-1]},
        {"name": "x", "dtype": "<f8", "shape": [True]},
        {"name": "x", "dtype": "|O", "shape": [1]},
        {"name": "x", "dtype": "|V8", "shape": [1]},
        {"name": "x", "dtype": ["<f8"], "shape": [1]},
        {"name": "", "dtype": "<f8", "shape": [1]},
        {"name": "x", "dtype": "<f8", "shape": [1] * 40},
        "x",
    ],
)
def test_impossible_arrays_are_refused_before_memory_is_taken(clock, item):
    _resealed_listing(clock, [item])
    tracemalloc.start()
    with pytest.raises(ClockFileError, match="expected unique arrays|lists arrays of"):
        read_clock_file(clock)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


def test_deeply_nested_json_is_refused(clock):
    header = b'{"arrays":[],"meta":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    header += b" " * (-len(header) % 64)
    raw = clockfile.MAGIC + struct.pack("<QQ", 1, len(header)) + bytes(40) + header
    clock.write_bytes(_reseal(raw))
    with pytest.raises(ClockFileError, match="JSON header"):
        read_clock_file(clock)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"w": np.array([1.0, np.nan])}, "finite"),
        ({"w": np.array(["a"], dtype=object)}, "expected one of"),
        ({"w": np.zeros((1,) * 5)}, "dimensions"),
        ({"": np.zeros(1)}, "unique arrays"),
    ],
)
def test_content_the_format_cannot_hold_is_refused_when_written(tmp_path, arrays, words):
    with pytest.raises(ClockFileError, match=words):
        write_clock_file(tmp_path / "x.clock", {}, arrays)
    assert os.listdir(tmp_path) == []


def test_meta_with_nan_is_refused_when_written(tmp_path):
    with pytest.raises(ClockFileError, match="JSON-able"):
        write_clock_file(tmp_path / "x.clock", {"mae_years": float("nan")}, {})


def _mutate(raw: bytes, rng: np.random.Generator) -> bytes:
    """Flip, insert, delete, duplicate or overwrite bytes, or cut the file."""
    data = bytearray(raw)
    for _ in range(int(rng.integers(1, 6))):
        at, kind = int(rng.integers(0, max(len(data), 1))), int(rng.integers(0, 6))
        if kind == 0 and data:
            data[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            data[at:at] = rng.bytes(int(rng.integers(1, 9)))
        elif kind == 2:
            del data[at : at + int(rng.integers(1, 9))]
        elif kind == 3:
            data[at : at + 8] = rng.choice([b"\xff" * 8, bytes(8), b"9" * 8, b"[[[[[[[["])
        elif kind == 4:
            del data[at:]
        else:
            data += data[at : at + 32]
    return bytes(data)


def test_ten_thousand_mutated_files_are_refused_or_read_without_crash_or_large_memory(
    tmp_path, clock
):
    # Half carry a fitting hash, as a deliberate forger's would, so that every check is reached.
    raw = clock.read_bytes()
    rng = np.random.default_rng(0)
    target = tmp_path / "mutated.clock"
    target.write_bytes(raw)
    refused = named = 0
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(10_000):
        mutated = _mutate(raw, rng)
        if number % 2:
            mutated = _reseal(mutated)
        # Overwritten in place: emptying a file first makes some disks wait for every write.
        with open(target, "r+b") as stream:
            stream.write(mutated)
            stream.truncate(len(mutated))
        try:
            read_clock_file(target)
        except ClockFileError as error:
            refused += 1
            named += str(target) in str(error)
    assert refused == named > 8000
    # The file is 3 kB; tracing every allocation of 10,000 reads would take half a minute.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 20_000
