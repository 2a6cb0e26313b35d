"""What check tells before anything runs."""

from __future__ import annotations

from brainage.cli import BAD_INPUT, SOME_FAILED, main


def test_check_computes_nothing_and_names_what_is_not_there(tmp_path, capsys):
    path = tmp_path / "study.yaml"
    main(["init", str(path), "--quiet"])
    assert main(["check", str(path)]) == BAD_INPUT
    told = capsys.readouterr().out
    assert "reference/derivatives/fmriprep" in told
    assert {p.name for p in tmp_path.iterdir()} == {"study.yaml", "study.schema.json"}


def test_check_tells_what_costs_a_scan_from_what_ends_a_stage(study_file, capsys, strict_json):
    assert main(["check", str(study_file), "--quiet"]) == SOME_FAILED
    assert "sub-11: no age" in capsys.readouterr().err
    missing = ["--set", f"paths.reference.participants={study_file.parent / 'gone.tsv'}"]
    assert main(["check", str(study_file), "--json", *missing]) == BAD_INPUT
    assert "gone.tsv: no such file" in strict_json(capsys.readouterr().out)["stops"][0]
