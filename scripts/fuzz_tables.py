"""Mutate tables, series and matrices; each must be read as it then stands, or refused in words.

What a mutated file says is known without brainage: every line is split at the separator. A row
that is swallowed, a value that moves to another column or another person, an exception that is no
`BrainAgeError`, or a file that takes longer than the limit is a fault.

    python scripts/fuzz_tables.py --n 2000 --seed 0
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fuzz_children import LIMIT_S, mutate

from brainage.connectivity import find_matrices, read_matrix
from brainage.errors import BrainAgeError
from brainage.series import read_series
from brainage.tables import read_people, read_scores
from brainage.trial import TrialOptions, read_allocation


def people_text(rng: np.random.Generator) -> bytes:
    """Return a participants table whose ages follow from the ids."""
    rows = ["participant_id\tage\tsex\tsite"]
    rows += [f"sub-{i:03d}\t{20 + i + i / 100:.2f}\t{'FM'[i % 2]}\tS{i % 3}" for i in range(12)]
    return "\n".join(rows).encode() + b"\n"


def scores_text(rng: np.random.Generator) -> bytes:
    """Return a scores table of two visits."""
    rows = ["participant_id,session_id,age_years,gap_years"]
    rows += [
        f"{i:03d},ses-{visit},{60 + i + i / 100:.2f},{i / 7 - 1 + visit:.4f}"
        for i in range(8)
        for visit in (1, 2)
    ]
    return "\n".join(rows).encode() + b"\n"


def allocation_text(rng: np.random.Generator) -> bytes:
    """Return an allocation with a numeric covariate."""
    rows = ["participant_id;arm;bmi"]
    rows += [f"{i:03d};{'CH'[i % 2]}ON;{20 + i + i / 100:.2f}" for i in range(12)]
    return "\n".join(rows).encode() + b"\n"


def series_text(rng: np.random.Generator) -> bytes:
    """Return a series of four parcels."""
    values = rng.normal(size=(15, 4))
    rows = ["\t".join("abcd"), *("\t".join(f"{v:.6g}" for v in row) for row in values)]
    return "\n".join(rows).encode() + b"\n"


def matrix_text(rng: np.random.Generator) -> bytes:
    """Return a correlation matrix of five parcels."""
    values = np.corrcoef(rng.normal(size=(5, 30)))
    rows = ["\t".join("abcde"), *("\t".join(f"{v:.6f}" for v in row) for row in values)]
    return "\n".join(rows).encode() + b"\n"


def _lines(content: bytes) -> list[str]:
    text = content.decode("utf-8-sig")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [line for line in lines if line.strip()]


def _plain(cell: str) -> str:
    cell = cell.strip()
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1] if quoted else cell


def _says(content: bytes, mark: str, key: str, value: str) -> set[tuple[str, float]]:
    """Return (person, number) of every line, split at the separator and nothing else."""
    lines = _lines(content)
    header = [_plain(cell).lower() for cell in lines[0].split(mark)]
    who, what = header.index(key), header.index(value)
    said = set()
    for line in lines[1:]:
        cells = [_plain(cell) for cell in line.split(mark)]
        try:
            said.add((cells[who].removeprefix("sub-"), float(cells[what])))
        except (ValueError, IndexError):
            continue
    return said


def _check_table(frame, content: bytes, mark: str, column: str, named: str) -> str | None:
    numbers = frame.dropna(subset=[column])
    read = set(zip(numbers["participant_id"], numbers[column].astype(float), strict=True))
    try:
        said = _says(content, mark, "participant_id", named)
    except (ValueError, IndexError):
        # The header is spelt in another way (Participant_ID) or quoted in part.
        return None
    if not read <= said:
        return f"read {sorted(read - said)[:2]}, which no line says"
    n_lines = len(_lines(content)) - 1
    # Repeated lines of an allocation are one row; blank cells make no row.
    if len(frame) < len(said & read):
        return f"{len(frame)} rows of {n_lines} lines"
    lost = {person for person, _ in said} - set(frame["participant_id"])
    return f"lost {sorted(lost)[:2]}" if lost else None


def read_people_case(path: Path, content: bytes) -> str | None:
    """Read a participants table and compare."""
    return _check_table(read_people(path), content, "\t", "age_years", "age")


def read_scores_case(path: Path, content: bytes) -> str | None:
    """Read a scores table and compare."""
    return _check_table(read_scores(path), content, ",", "gap_years", "gap_years")


def read_allocation_case(path: Path, content: bytes) -> str | None:
    """Read an allocation and compare."""
    options = TrialOptions.model_validate(
        {
            "arms": ["CON", "HON"],
            "control_arm": "CON",
            "primary_visit": "y",
            "covariates": ["bmi"],
            "visits": [
                {"label": "b", "session_id": "1", "nominal_years": 0},
                {"label": "y", "session_id": "2", "nominal_years": 1},
            ],
        }
    )
    found = read_allocation(path, options)
    if found["bmi"].dtype.kind != "f":
        return f"bmi read as {found['bmi'].nunique()} categories"
    return _check_table(found, content, ";", "bmi", "bmi")


def _rows(content: bytes) -> list[list[float]]:
    rows = []
    for line in _lines(content):
        cells = [cell.strip().strip('"') for cell in line.split("\t")]
        try:
            rows.append([np.nan if c.lower() in ("n/a", "na", "") else float(c) for c in cells])
        except ValueError:
            continue
    return rows


def _is_among(values: np.ndarray, content: bytes) -> str | None:
    said = {tuple(np.round(row, 9)) for row in _rows(content)}
    for row in values:
        known = np.round(row, 9)
        fits = any(
            len(other) == len(known) and np.allclose(known, other, equal_nan=True, atol=1e-8)
            for other in said
        )
        if not fits and not np.isnan(row).any():
            return f"a row {known[:3]}... that no line says"
    return None


def read_series_case(path: Path, content: bytes) -> str | None:
    """Read a series and compare."""
    return _is_among(read_series(path).values, content)


def read_matrix_case(path: Path, content: bytes) -> str | None:
    """Read a matrix; it must be a correlation matrix."""
    found = read_matrix(find_matrices(path.parent)[0]).correlation
    here = found[np.ix_(*[~np.isnan(np.diag(found))] * 2)]
    good = np.allclose(here, here.T) and np.allclose(np.diag(here), 1) and (abs(here) <= 1).all()
    return None if good else "no correlation matrix"


Case = tuple[str, Callable[[np.random.Generator], bytes], Callable[[Path, bytes], str | None]]
CASES: dict[str, Case] = {
    "people": ("participants.tsv", people_text, read_people_case),
    "scores": ("scores.csv", scores_text, read_scores_case),
    "allocation": ("allocation.csv", allocation_text, read_allocation_case),
    "series": ("sub-1_atlas-a_timeseries.tsv", series_text, read_series_case),
    "matrix": ("sub-1_atlas-a_desc-correlation_matrix.tsv", matrix_text, read_matrix_case),
}


def fuzz(n: int, *, seed: int) -> tuple[Counter, list[str]]:
    """Read `n` mutated files; return how they ended, and every fault."""
    rng = np.random.default_rng(seed)
    ended: Counter = Counter()
    faults = []
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(n):
            kind = list(CASES)[number % len(CASES)]
            name, make, read = CASES[kind]
            path = Path(folder, kind, name)
            path.parent.mkdir(exist_ok=True)
            content = mutate(make(rng), rng)
            path.write_bytes(content)
            started = time.perf_counter()
            try:
                wrong = read(path, content)
                ended[kind, "read"] += 1
            except BrainAgeError:
                wrong = None
                ended[kind, "refused"] += 1
            except Exception as error:  # noqa: BLE001 - any other exception is what is sought
                wrong = f"{type(error).__name__}: {error}"
            if time.perf_counter() - started > LIMIT_S:
                wrong = f"took more than {LIMIT_S:g} s"
            if wrong:
                faults.append(f"{kind} {number}: {wrong}\n    {content!r}")
    return ended, faults


def main() -> int:
    """Run the fuzz; print the counts and every fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.perf_counter()
    ended, faults = fuzz(options.n, seed=options.seed)
    for (kind, how), count in sorted(ended.items()):
        print(f"{kind:12s} {how:8s} {count}")
    print(f"{len(faults)} faults in {options.n} files, {time.perf_counter() - started:.0f} s")
    for fault in faults:
        print(fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
