"""Files that are never half-written, and hashes of what they hold."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import platform
import re
import shutil
import stat
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from brainage.errors import BrainAgeError, TableError

#: A temporary name says which machine, start of it, room of processes and process writes it:
#: ``.NAME.HOST-BOOT-NAMESPACE-PID.RANDOM.ENDING``.
_TEMPORARY = re.compile(
    r"\..+\.(?P<host>[^.]+)-(?P<boot>[0-9a-z]+)-(?P<namespace>[0-9a-z]+)-(?P<pid>\d+)"
    r"\.[a-z0-9_]{8}(\.[^/]*)?"
)
_FORGOTTEN_S = 86_400.0


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path` and rename it into place when the block ends well.

    A reader sees the old file, the new file or none, whatever kills the writer; two writers of
    the same file leave one whole file. On an exception the temporary file is removed.

    Parameters
    ----------
    path : str or Path
        The file to write. Its folder is made if absent.

    Yields
    ------
    temporary : Path
        Where to write; same folder, dot-prefixed, same ending (writers that look at the ending
        keep working).
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = "".join(path.suffixes[-2:])
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_writer(path.name), suffix=suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files private; a shared lab folder wants the umask's usual rights.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def scratch_folder(folder: str | Path) -> Iterator[Path]:
    """Give a new folder in `folder` for what is not kept; it goes when the block ends.

    A killed writer's goes with `remove_leftovers`.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=_writer("scratch")) as name:
        yield Path(name)


def _writer(name: str) -> str:
    # Bytes count, not characters: a file's name may have 255.
    start = name.encode("utf-8", "surrogateescape")[:60].decode("utf-8", "ignore")
    return ".{}.{host}-{boot}-{namespace}-{pid}.".format(start, **this_process())


def remove_leftovers(folder: str | Path) -> int:
    """Remove the temporary files and folders that killed writers left in a tree; return how many.

    A writer that is still alive on this machine keeps its own, and so does one of another
    machine for a day.
    """
    removed = 0
    for path in list(_temporaries(str(folder))):
        with contextlib.suppress(OSError):
            if _is_left_over(path):
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
                removed += 1
    return removed


def _temporaries(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") and _TEMPORARY.fullmatch(entry.name):
                    yield entry.path
                elif entry.is_dir(follow_symlinks=False):
                    yield from _temporaries(entry.path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return


def _is_left_over(path: str) -> bool:
    writer = _TEMPORARY.fullmatch(os.path.basename(path))
    if writer is None:
        return False
    alive = _alive(writer.groupdict())
    if alive is not None:
        return not alive
    return time.time() - os.stat(path).st_mtime > _FORGOTTEN_S


#: Where a process number means the same process.
_ROOM = ("host", "boot", "namespace")


def this_process() -> dict[str, str]:
    """Return what names this process among all machines: host, boot, namespace, pid.

    A process number alone does not: two containers on one machine give out the same ones, and a
    machine that was started again begins anew.
    """
    return {
        "host": _host(),
        "boot": _boot(),
        "namespace": _namespace(),
        "pid": str(os.getpid()),
    }


def process_is_gone(process: Mapping[str, str]) -> bool:
    """Return whether a process, as `this_process` names it, has surely ended.

    False where that cannot be seen from here (another machine, another container).
    """
    return _alive(process) is False


def process_is_here(process: Mapping[str, str]) -> bool:
    """Return whether a process, as `this_process` names it, is seen to be alive from here."""
    return _alive(process) is True


def _alive(process: Mapping[str, str]) -> bool | None:
    """Return whether a process lives; None where that cannot be seen from here."""
    here = this_process()
    if os.name != "posix" or any(process.get(name) != here[name] for name in _ROOM):
        return None
    try:
        os.kill(int(process["pid"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except (OverflowError, ValueError, KeyError):
        return None
    return True


def _boot() -> str:
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:
        return "0"
    return text.replace("-", "").strip()[:12] or "0"


def _namespace() -> str:
    try:
        return re.sub(r"\D", "", os.readlink("/proc/self/ns/pid")) or "0"
    except OSError:
        return "0"


def _host() -> str:
    return re.sub(r"[^a-zA-Z0-9-]", "_", platform.node())[:30] or "host"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | Path, value: Any) -> None:
    """Write a JSON-able value atomically, indented, keys in the order given, NaN refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


#: No JSON that brainage reads comes near these; more is refused before it costs memory.
_MOST_JSON_BYTES = 256_000_000
_MOST_DIGITS = 300
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(path: str | Path, *, error: type[BrainAgeError] = TableError) -> Any:
    """Read a JSON file of any shape, or say in one sentence why it is none.

    Parameters
    ----------
    path : str or Path
        UTF-8, with or without a byte-order mark.
    error : type of BrainAgeError, optional
        What to raise; a TableError where it is not named.

    Returns
    -------
    value : dict, list, str, int, float, bool or None
        Whole numbers have at most 300 digits, so that ``float(value)`` never overflows; a number
        may still be infinite or NaN.

    Raises
    ------
    BrainAgeError
        Of the type `error`: absent, no plain file, not UTF-8, not JSON, nested too deeply, a
        number of more than 300 digits, half a character (a lone surrogate), over 256 MB.
    """
    path = Path(path)
    try:
        # One look: a record a scan is read so, on disks that answer slowly.
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise error(f"{path}: expected a JSON file, found a folder or device.")
        if info.st_size > _MOST_JSON_BYTES:
            size_mb = info.st_size / 1e6
            raise error(f"{path}: expected JSON, found {size_mb:.0f} MB; at most 256 are read.")
        text = path.read_text(encoding="utf-8-sig")
        value = json.loads(text, parse_int=_whole_number)
        if _HALF_CHARACTER.search(text):
            # Half a character can be read, but neither printed nor written again.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except FileNotFoundError:
        raise error(f"{path}: expected a JSON file, found none.") from None
    except OSError as problem:
        raise error(f"{path}: cannot be read ({problem.strerror or problem}).") from problem
    except UnicodeError as problem:
        raise error(f"{path}: expected JSON in UTF-8, found: {problem}.") from problem
    except ValueError as problem:
        raise error(f"{path}: expected JSON, found: {problem}.") from problem
    except RecursionError:
        raise error(f"{path}: expected JSON, found brackets nested too deeply.") from None
    return value


def read_json_object(
    path: str | Path, *, error: type[BrainAgeError] = TableError
) -> dict[str, Any]:
    """Read a JSON file that holds an object (``{...}``); see `read_json`.

    Raises
    ------
    BrainAgeError
        As `read_json`; or a list, text or number where an object was expected.
    """
    value = read_json(path, error=error)
    if not isinstance(value, dict):
        kind = {list: "a list", str: "text", type(None): "null"}.get(type(value), "a number")
        raise error(f"{path}: expected a JSON object ({{...}}), found {kind}.")
    return value


#: The deepest table or list of a TOML file that brainage reads is two levels deep.
_DEEPEST_TOML = 100
_MOST_TOML_BYTES = 1_000_000


def read_toml(path: str | Path, *, error: type[BrainAgeError] = TableError) -> dict[str, Any]:
    """Read a TOML file of any shape, or say in one sentence why it is none.

    Parameters
    ----------
    path : str or Path
        UTF-8, with or without a byte-order mark.
    error : type of BrainAgeError, optional
        What to raise; a TableError where it is not named.

    Returns
    -------
    values : dict
        Numbers are finite and whole ones have at most 300 digits; a date stays one.

    Raises
    ------
    FileNotFoundError
        There is none: the caller knows what else the name might have been.
    BrainAgeError
        Of the type `error`: no plain file, not UTF-8, not TOML, nested too deeply, a number that
        is not finite or of more than 300 digits, over 1 MB, a path that no file can have.
    """
    try:
        path = Path(path)
        if path.exists() and not path.is_file():
            raise error(f"{path}: expected a TOML file, found a folder or device.")
        if (size := path.stat().st_size) > _MOST_TOML_BYTES:
            raise error(f"{path}: expected TOML, found {size / 1e6:.0f} MB.")
        text = path.read_text(encoding="utf-8-sig")
        if text.count("[") + text.count("{") > _DEEPEST_TOML:
            _refuse_deep_brackets(text)
        values = tomllib.loads(text, parse_float=_finite)
        _refuse_long_numbers(values)
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise error(f"{path}: cannot be read ({problem.strerror or problem}).") from problem
    # Also: not UTF-8, not TOML, more digits than Python reads, a NUL in the path.
    except ValueError as problem:
        raise error(f"{str(path)!r}: cannot be read as TOML: {problem}") from problem
    except RecursionError:
        raise error(f"{path}: expected TOML, found brackets nested too deeply.") from None
    return values


def _refuse_deep_brackets(text: str) -> None:
    # Brackets in strings and comments count too: an upper bound is enough, and needs no parser.
    depth = deepest = 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    if deepest > _DEEPEST_TOML:
        raise ValueError(f"found brackets nested more than {_DEEPEST_TOML} deep")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"expected finite numbers, found {text}")
    return number


def _refuse_long_numbers(value: object) -> None:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _refuse_long_numbers(item)
    elif isinstance(value, int) and abs(value) >= 10**_MOST_DIGITS:
        raise ValueError(f"found a number of more than {_MOST_DIGITS} digits")


def finite_number(value: object) -> float | None:
    """Return what a file gave as a finite float, or None where it is no such number.

    Truth values and text are no numbers.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _whole_number(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def hash_file(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def configs_folder() -> Path:
    """Return the folder of presets that came with the package.

    In an installed wheel it lies inside the package; in a checkout (editable install) it is
    ``configs/`` beside it.
    """
    package = Path(__file__).resolve().parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"
