"""Kill `brainage run` at random moments, again and again: the end has the undisturbed bytes.

Each time the whole group of processes gets SIGKILL, as a power cut or a cluster's limit would
end it. Then one run goes to its end. Its files must be those of a run that nobody disturbed, byte
for byte (but for the times of inputs in records of scans), and no temporary file may be left.

    python scripts/kill_at_random.py --n 25 --seed 0
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: Kills come no earlier than the first file is made, on a quiet machine.
_EARLIEST_S = 1.5
#: A whole stage later the same kill would only meet a run that is done.
_LATEST_SHARE = 0.8


def command(output: Path, study: str) -> list[str]:
    """Return the command line of a run into a folder."""
    return [
        *(sys.executable, "-m", "brainage", "run", study, "--quiet"),
        # By size: times of change differ between two runs, and enter the hashes of manifests.
        *("--set", f"paths.output={output}", "--set", "run.input_identity=size"),
    ]


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, by its relative name."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(_content(path)).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _content(path: Path) -> bytes:
    """Return a file's bytes; of a scan's record, all but when its inputs were changed."""
    raw = path.read_bytes()
    if "records" not in path.parts or path.suffix != ".json":
        return raw
    record = json.loads(raw)
    record["inputs"] = [[name, size, content] for name, size, _, content in record["inputs"]]
    return json.dumps(record).encode()


def kill_after(wait_s: float, words: list[str], where: Path) -> int | None:
    """Start a command in a group of its own; kill the group; return the code if it was done."""
    with open(where / "killed.log", "ab") as log:
        process = subprocess.Popen(
            words, cwd=where, start_new_session=True, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            return process.wait(wait_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None


def differences(undisturbed: Path, disturbed: Path) -> list[str]:
    """Return the files that are not as in the undisturbed run, and temporaries."""
    one, other = digests(undisturbed), digests(disturbed)
    differing = [name for name in sorted(one | other) if one.get(name) != other.get(name)]
    # A temporary file begins with a dot; the lock of a stage does too, and stays.
    left = [name for name in other if re.search(r"(^|/)\..*\.[a-z0-9_]{8}(\.|$)", name)]
    return differing + [f"left over: {name}" for name in left]


def main() -> int:
    """Kill, finish, compare; print what differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--study", default="demo_tiny")
    parser.add_argument("--longest-s", type=float, default=40.0, help="before a kill")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        undisturbed, disturbed = where / "undisturbed", where / "out"
        started = time.perf_counter()
        subprocess.run(command(disturbed, options.study), cwd=where, check=True)
        whole_s = time.perf_counter() - started
        # Moved away, so that both were made in one place: lists of scans hold paths.
        disturbed.rename(undisturbed)
        print(f"undisturbed: {whole_s:.0f} s, {len(digests(undisturbed))} files", flush=True)
        ended = []
        for _ in range(options.n):
            wait_s = chance.uniform(_EARLIEST_S, min(_LATEST_SHARE * whole_s, options.longest_s))
            ended.append(kill_after(wait_s, command(disturbed, options.study), where))
        subprocess.run(command(disturbed, options.study), cwd=where, check=True)
        faults = differences(undisturbed, disturbed)
        failed = [code for code in ended if code not in (None, 0)]
    print(f"{ended.count(None)} killed, {ended.count(0)} done before, failed: {failed}")
    print(f"{len(faults)} files differ or are left over")
    for fault in faults:
        print(fault)
    return bool(faults or failed)


if __name__ == "__main__":
    sys.exit(main())
