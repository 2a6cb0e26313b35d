"""Damaged YAML study files and sweeps, TOML strategies, and JSON of every kind that is read.

Right is what PyYAML, `tomllib` and `json` say the damaged text holds: a study that loads has their
values, a scan their repetition time, a table ages in their unit, a plan the content that its hash
is of. One in three is made to hurt a reader: brackets without end, aliases of aliases, numbers of
5,000 digits, tags that build objects, halves of characters.
"""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from fuzz_children import SPICE, Case, WrongError, mutate, mutate_values

from brainage.clock import expand_alternatives
from brainage.config import load_study, load_sweep
from brainage.connectivity import FeatureTable
from brainage.imaging import (
    AtlasOptions,
    CleaningOptions,
    ExclusionRules,
    Scan,
    extract_parcel_series,
    load_atlas,
    load_strategy,
    write_nifti,
)
from brainage.options import fingerprint_of
from brainage.series import read_series, write_series
from brainage.stages.manifest import read_checked_manifest, write_manifest
from brainage.synthetic import examples
from brainage.tables import read_people
from brainage.trial import TrialResult, read_plan, write_plan

_N_VOLUMES = 50
_EVEN_S = [2.0 * k for k in range(_N_VOLUMES)]
_CONFIGS = Path(__file__).parents[1] / "configs"
_YAML_SPICE = [*SPICE, b": ", b"- ", b"&a ", b"*a", b"!!int ", b"|", b"{", b"[", b"#", b"no"]
_YAML_SPICE += [b"010", b"1:30", b"1e-3", b"~", b"null", b".nan", b"<<: ", b"? ", b"%", b"@"]
_LAUGHS = "\n".join(
    f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9 if i else ['x'] * 9)}]" for i in range(9)
)
_HURTS = {
    "yaml": [
        _LAUGHS,
        "title: &a [*a]",
        "title: " + "[" * 3000,
        "title: " + "9" * 5000,
        "title: !!python/object/apply:os.getcwd []",
        "science: &s {seed: 1, x: *s}",
        "? [a, b]\n: 1",
        'title: "\\uD800"',
        "science: {seed: 0x" + "f" * 400 + "}",
        "science:\n  trial:\n    visits:\n" + "      - {label: a}\n" * 3000,
    ],
    "toml": [
        "scrub_fd_mm = " + "9" * 5000,
        "x = " + "[" * 3000,
        "scrub_fd_mm = inf",
        "[load_confounds]\nstrategy = " + "[" * 90 + "]" * 90,
        "a" + ".a" * 5000 + " = 1",
        "description = 1979-05-27T07:32:00Z",
        "[load_confounds]\n[load_confounds]",
    ],
    "json": [
        "[" * 200_000,
        '{"a":' * 5000,
        '{"RepetitionTime": ' + "9" * 5000 + "}",
        '{"RepetitionTime": 1e999}',
        '{"RepetitionTime": NaN}',
        '{"RepetitionTime": "\\ud800"}',
        "null",
        "[]",
        '"text"',
        "1",
        '{"format": {}, "outputs": [], "views": 5, "hash": null}',
        '{"outputs": {"a.tsv": {"bytes": 1e999, "sha256": 5}}}',
    ],
}


def text_cases(folder: Path) -> dict[str, Case]:
    """Write the undamaged files; return a case for each."""
    readers: dict[str, tuple[str, Path, Callable[[Path], None]]] = {
        "study": ("yaml", _CONFIGS / "demo_tiny.yaml", _study),
        "sweep": ("yaml", _CONFIGS / "abide_sweep.yaml", _sweep),
        "strategy": ("toml", _CONFIGS / "cleaning" / "36P+scrub.toml", _strategy),
        "bold sidecar": ("json", *_scan_sidecar(folder / "one", {"RepetitionTime": 2.0})),
        "volume timing": ("json", *_scan_sidecar(folder / "two", {"VolumeTiming": _EVEN_S})),
        "components": ("json", *_components(folder)),
        "series sidecar": ("json", *_series_sidecar(folder)),
        "ages": ("json", *_ages(folder)),
        "features": ("json", *_features(folder)),
        "plan": ("json", _written_plan(folder), _plan),
        "comparison": ("json", *_comparison(folder)),
        "manifest": ("json", *_manifest(folder)),
    }
    cases = {}
    for name, (kind, whole, read) in readers.items():
        # Undamaged it is read: else nothing below would say anything.
        place = folder / f"undamaged {name}"
        place.mkdir()
        read(Path(shutil.copy(whole, place)))
        cases[name] = partial(_run, kind, whole.read_bytes(), whole.name, read)
    return cases


def _run(
    kind: str,
    raw: bytes,
    name: str,
    read: Callable[[Path], None],
    place: Path,
    rng: np.random.Generator,
) -> str:
    how = rng.choice(["bytes", "bytes", "values", "hurt"])
    if how == "hurt":
        content = _HURTS[kind][rng.integers(len(_HURTS[kind]))].encode()
    elif how == "values" and kind == "json":
        content = json.dumps(mutate_values(json.loads(raw), rng)).encode()
    else:
        content = mutate(raw, rng, SPICE if kind == "json" else _YAML_SPICE)
    path = place / name
    path.write_bytes(content)
    read(path)
    return "unchanged" if content == raw else "read as it stands"


def _study(path: Path) -> None:
    found = load_study(path).model_dump(mode="json")
    _check_said(_yaml(path), found)


def _sweep(path: Path) -> None:
    sweep = load_sweep(path)
    for each in sweep.sweep.alternatives:
        chosen = {key: [value] for key, value in each.change.items()}
        expand_alternatives(sweep.science.clock, chosen)
    _check_said(_yaml(path), sweep.model_dump(mode="json"))


def _yaml(path: Path) -> dict:
    # Text that is no UTF-8 is refused before.
    return yaml.safe_load(path.read_text(encoding="utf-8-sig")) or {}


def _check_said(said: object, has: object, key: str = "") -> None:
    """Compare what YAML says with what was read, leaf by leaf; paths are made absolute."""
    if isinstance(said, dict):
        for name, value in said.items():
            if (key, name) not in (("", "paths"), ("", "extends"), ("", "sweep")):
                there = has.get(name, "absent") if isinstance(has, dict) else "absent"
                _check_said(value, there, f"{key}.{name}")
    elif isinstance(said, list):
        if not isinstance(has, list) or len(said) != len(has):
            raise WrongError(f"{key}: the file says {said!r:.80}, read {has!r:.80}")
        for i, (one, other) in enumerate(zip(said, has, strict=True)):
            _check_said(one, other, f"{key}.{i}")
    elif said != has or isinstance(said, bool) != isinstance(has, bool):
        raise WrongError(f"{key}: the file says {said!r:.80}, read {has!r:.80}")


def _strategy(path: Path) -> None:
    found = load_strategy(str(path))
    said = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    has = (found.load_confounds, found.scrub_fd_mm, found.all_columns)
    want = (
        said.get("load_confounds", {}),
        said.get("scrub_fd_mm"),
        said.get("all_columns", False),
    )
    if has != want:
        raise WrongError(f"the file says {want}, read {has}")


def _tiny_scan(folder: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    folder.mkdir()
    bold, atlas = folder / "sub-1_task-rest_bold.nii", folder / "atlas.nii"
    # Without a time step: the sidecar alone states it.
    write_nifti(bold, rng.normal(1000, 50, (3, 3, 3, _N_VOLUMES)), np.diag([3.0, 3, 3, 1]))
    labels = np.ones((3, 3, 3))
    labels[1:] = 2
    write_nifti(atlas, labels, np.diag([3.0, 3, 3, 1]))
    return bold, atlas


def _scan_sidecar(folder: Path, of_time: dict) -> tuple[Path, Callable[[Path], None]]:
    bold, atlas = _tiny_scan(folder)
    whole = bold.with_suffix(".json")
    whole.write_text(json.dumps(of_time | {"TaskName": "rest", "EchoTime": 0.03}, indent=1))

    def read(path: Path) -> None:
        shutil.copy(bold, path.with_suffix(".nii"))
        found = _extracted(path.with_suffix(".nii"), None, atlas, "none")
        said = json.loads(path.read_text(encoding="utf-8-sig"))
        times = said.get("VolumeTiming")
        step = said.get("RepetitionTime")
        if step is None:
            step = times[1] - times[0]
        if not math.isclose(found.t_r_s, float(step), rel_tol=0.02):
            raise WrongError(f"the file says {step} s, read {found.t_r_s}")

    return whole, read


def _extracted(bold: Path, confounds: Path | None, atlas: Path, strategy: str):  # noqa: ANN202
    return extract_parcel_series(
        Scan("1", "n/a", "n/a", "rest", None, bold, confounds, None, confounds and 2.0),
        atlas=load_atlas(AtlasOptions(name="made", path=str(atlas))),
        cleaning=CleaningOptions(strategy=strategy, high_pass_hz=None, low_pass_hz=None),
        exclusion=ExclusionRules(min_retained_s=0),
        n_threads=1,
    )


def _components(folder: Path) -> tuple[Path, Callable[[Path], None]]:
    bold, atlas = _tiny_scan(folder / "components")
    table = bold.with_name("sub-1_task-rest_desc-confounds_timeseries.tsv")
    rng, about = np.random.default_rng(1), {}
    columns = {
        f"{kind}_{axis}": rng.normal(size=_N_VOLUMES) for kind in ("trans", "rot") for axis in "xyz"
    }
    columns |= {f"cosine{k:02d}": rng.normal(size=_N_VOLUMES) for k in range(2)}
    for k, mask in enumerate(["combined"] * 4):
        name = f"a_comp_cor_{k:02d}"
        columns[name] = rng.normal(size=_N_VOLUMES)
        about[name] = {"Mask": mask, "Method": "aCompCor", "Retained": True}
        about[name] |= {"VarianceExplained": 0.2, "CumulativeVarianceExplained": 0.2 + k / 10}
        about[name] |= {"SingularValue": 10.0 - k}
    pd.DataFrame(columns).to_csv(table, sep="\t", index=False)
    whole = table.with_suffix(".json")
    whole.write_text(json.dumps(about))

    def read(path: Path) -> None:
        beside = path.with_suffix(".tsv")
        shutil.copy(table, beside)
        _extracted(bold, beside, atlas, "compcor")

    return whole, read


def _series_sidecar(folder: Path) -> tuple[Path, Callable[[Path], None]]:
    table = write_series(examples.series(), folder / "series")

    def read(path: Path) -> None:
        shutil.copy(table, path.with_suffix(".tsv"))
        found = read_series(path.with_suffix(".tsv"))
        said = json.loads(path.read_text(encoding="utf-8-sig"))
        if found.values.shape != examples.series().values.shape:
            raise WrongError(f"{found.values.shape} values")
        if found.t_r_s != said.get("RepetitionTime"):
            raise WrongError(f"the file says {said.get('RepetitionTime')} s, read {found.t_r_s}")
        kept = said.get("KeptVolumes")
        if "CleaningFingerprint" in said and found.kept_volumes.tolist() != kept:
            raise WrongError(f"the file says volumes {kept}, read {found.kept_volumes.tolist()}")
        fd_mm = said.get("MeanFramewiseDisplacement")
        if "CleaningFingerprint" in said and found.quality.mean_fd_mm != fd_mm:
            raise WrongError(f"the file says {fd_mm} mm, read {found.quality.mean_fd_mm}")

    return table.with_suffix(".json"), read


def _ages(folder: Path) -> tuple[Path, Callable[[Path], None]]:
    whole = folder / "participants.json"
    whole.write_text(json.dumps({"age": {"Description": "Age", "Units": "months"}, "sex": {}}))
    a_year = {"year": 1, "month": 12, "week": 365.25 / 7, "day": 365.25}

    def read(path: Path) -> None:
        path.with_suffix(".tsv").write_text("participant_id\tage\nsub-1\t720\nsub-2\t60\n")
        age = read_people(path.with_suffix(".tsv"))["age_years"]
        said = json.loads(path.read_text(encoding="utf-8-sig"))
        entry = said.get("age") if isinstance(said, dict) else None
        units = entry.get("Units") if isinstance(entry, dict) else None
        unit = units.strip().lower().rstrip("s") if isinstance(units, str) else "year"
        # A word of a missing cell says nothing.
        want = 60 / a_year.get(unit, 1)
        if not math.isclose(age.iloc[1], want):
            raise WrongError(f"the file says 60 {units}, read {age.iloc[1]} years")

    return whole, read


def _features(folder: Path) -> tuple[Path, Callable[[Path], None]]:
    whole = folder / "features"
    examples.features().save(whole)

    def read(path: Path) -> None:
        place = path.parent / "features"
        shutil.copytree(whole, place)
        shutil.copy(path, place / path.name)
        found = FeatureTable.load(place)
        said = json.loads(path.read_text(encoding="utf-8-sig"))
        for name, view in found.views.items():
            if list(view.spec.parcel_names) != said["views"][name]["parcel_names"]:
                raise WrongError(f"other parcels: {view.spec.parcel_names}")
        if list(found.dropped_parcels) != said["dropped_parcels"]:
            raise WrongError(f"other dropped parcels: {found.dropped_parcels}")

    return whole / "spec.json", read


def _written_plan(folder: Path) -> Path:
    write_plan(examples.trial_options(), folder / "plan.json")
    return folder / "plan.json"


def _plan(path: Path) -> None:
    if path.stat().st_size % 2:
        # Half of them as one would leave them who renews the hash.
        _renew_plan(path)
    found = read_plan(path)
    content = json.loads(path.read_text(encoding="utf-8-sig"))
    _check_said(content["options"], found.options.model_dump(mode="json"))
    if found.written != content["written"]:
        raise WrongError(f"written {found.written!r}")


def _renew_plan(path: Path) -> None:
    with contextlib.suppress(ValueError, RecursionError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.pop("hash", None) is not None:
            content["hash"] = fingerprint_of(content)
            path.write_text(json.dumps(content), encoding="utf-8")


def _comparison(folder: Path) -> tuple[Path, Callable[[Path], None]]:
    whole = folder / "compare"
    examples.result().save(whole)

    def read(path: Path) -> None:
        place = path.parent / "compare"
        shutil.copytree(whole, place)
        shutil.copy(path, place / path.name)
        found = TrialResult.load(place)
        said = json.loads(path.read_text(encoding="utf-8-sig"))
        if (
            list(found.notes) != list(map(str, said["notes"]))
            or found.plan_hash != said["plan_hash"]
        ):
            raise WrongError(f"notes {found.notes}, plan {found.plan_hash}")

    return whole / "comparison.json", read


def _manifest(folder: Path) -> tuple[Path, Callable[[Path], None]]:
    whole = folder / "stage"
    whole.mkdir()
    (whole / "a.tsv").write_text("participant_id\n1\n")
    write_manifest(
        whole,
        stage="score",
        key="k",
        options={"seed": 1},
        inputs={},
        outputs=[whole / "a.tsv"],
    )

    def read(path: Path) -> None:
        shutil.copy(whole / "a.tsv", path.parent / "a.tsv")
        found = read_checked_manifest(path.parent)
        if found != json.loads(path.read_text(encoding="utf-8-sig")):
            raise WrongError("another manifest")

    return whole / "manifest.json", read
