"""What a check sees of the files of a study, without opening one."""

from __future__ import annotations

from brainage.stages.check import check


def test_several_tasks_are_told_before_they_are_joined(tmp_path, study_of_files):
    (tmp_path / "data").mkdir()
    for task in ("rest", "movie"):
        for person in ("01", "02"):
            (tmp_path / "data" / f"sub-{person}_task-{task}_atlas-a_timeseries.tsv").touch()
    study = study_of_files("series")
    found = check(study)
    assert any(
        "tasks movie (2), rest (2): a session's runs of all are joined" in line
        for line in found.lines
    )
    assert found.lines[0].startswith("atlas and cleaning as the series have them")
    reference = study.paths.reference.model_copy(update={"task": "rest"})
    paths = study.paths.model_copy(update={"reference": reference})
    one = check(study.model_copy(update={"paths": paths}))
    assert any(line.startswith("reference: 2 parcel series") for line in one.lines)
    assert not any("all are joined" in line for line in one.lines)
