"""The questions beside the primary contrast, through every stage to the page."""

from __future__ import annotations

import pytest

from brainage.cli import main
from brainage.config import load_study
from brainage.stages.compare import load_comparison
from brainage.stages.recovery import recovery
from brainage.stages.run import run_stages
from brainage.stages.score import scored_by_nothing
from brainage.tables import read_table
from brainage.trial import RELIABILITY

ASKED = """\
    networks: {margin_years: 2, n_draws: 99, n_bootstraps: 200}
    local:
      n_draws: 99
      edges: true
      regions: [{name: first, pattern: "1$"}]
    randomization: {n_draws: 199}
"""


@pytest.fixture(scope="module")
def asked(made_once, finished):
    """The small synthetic study again, with network clocks and every question without outcomes."""
    text = (finished / "study.yaml").read_text()
    text = text.replace("    randomization: {n_draws: 199}\n", ASKED)
    text = text.replace("networks: false", "networks: true")

    def make(folder):
        (folder / "study.yaml").write_text(text)
        for _ in run_stages(load_study(folder / "study.yaml")):
            pass

    return made_once("asked", make)


@pytest.mark.slow
def test_scores_leave_their_reliability_blind_to_arm(asked):
    table = read_table(asked / "out" / "score" / "reliability.tsv", RELIABILITY)
    assert (table["people"] == "everyone, arms not known").all()
    assert set(table.loc[table["network"] == "whole_brain", "kind"]) == {"stability"}
    assert "all" in set(table["sessions"])


@pytest.mark.slow
def test_networks_and_regions_are_compared_with_the_shares_of_their_clocks(asked):
    result = load_comparison(load_study(asked / "study.yaml"))
    states = result.analyses.set_index("analysis")
    for key in ("networks", "local", "individual_change"):
        assert states.at[key, "state"] == "done", states.at[key, "reason"]
    networks = result.tables["networks"]
    assert networks["mae_years"].notna().all()
    assert (networks.loc[networks["share"].notna(), "share_kind"] == "within site").all()
    assert set(result.tables["local"]["level"]) == {"network", "parcel", "named region"}
    specific = result.tables.get("network_specificity")
    if specific is not None:
        silent = specific["difference_latent_years"].isna() & ~specific["reads"].str.startswith(
            "not run: "
        )
        assert not silent.any()


@pytest.mark.slow
def test_page_shows_the_tables_and_power_reads_both_folders(asked, capsys):
    page = (asked / "out" / "report" / "report.html").read_text(encoding="utf-8")
    for words in ("Networks side by side", "Change of connectivity by region", "not responders"):
        assert words in page
    for name in ("score", "compare"):
        assert main(["power", str(asked / "out" / name), "--effect-years", "-2"]) == 0
    said = capsys.readouterr().out
    assert "everyone, arms not known" in said
    assert "(CON)" in said
    # Thirty people train no clock; whoever plans a trial with it must read that.
    scoring = scored_by_nothing(load_study(asked / "study.yaml"))
    assert ("SHOWS NOTHING" in said) == ("whole_brain" in scoring)


@pytest.mark.slow
def test_network_clocks_and_regions_are_judged_by_what_was_planted_as_the_whole_brain_is(asked):
    study = load_study(asked / "study.yaml")
    found = recovery(study, load_comparison(study))
    assert set(found.networks["visit"]) == {"1 year", "2 years"}
    assert set(found.networks.columns) == {*found.whole_brain.columns, "network"}
    assert "whole_brain" not in set(found.networks["network"])
    control = found.networks["arm"] == "CON"
    assert (found.networks.loc[control, "clock_scale_years"] == 0).all()
    assert (found.networks.loc[~control, "clock_scale_years"] != 0).all()
    assert set(found.regions["level"]) == {"network", "parcel", "named region"}
    assert set(found.regions["interval_covers"]) <= {"yes", "MISS"}
    # Ageing was planted into every arm but control: regions move by it, and most are covered.
    assert (found.regions["interval_covers"] == "yes").mean() > 0.8
    assert found.regions["true_in_view_units"].abs().max() > 0
