"""Draws keep to the scheme, and a list that cannot be of the scheme is refused."""

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial import TrialDesign, read_replayed
from brainage.trial.design.allocation_schemes import allocation_blocks, draw_labels


def ten_people():
    arm = np.random.default_rng(3).permutation(np.repeat(["CON", "HRT"], 5))
    return pd.DataFrame({"participant_id": [f"p{i}" for i in range(10)], "arm": arm})


@pytest.mark.parametrize("scheme", ["simple", "permuted_blocks", "stratified_blocks"])
def test_a_draw_keeps_the_numbers_of_each_block(scheme):
    rng = np.random.default_rng(0)
    arm = np.concatenate([rng.permutation(["CON", "CON", "HRT", "HRT"]) for _ in range(10)])
    allocation = pd.DataFrame(
        {
            "participant_id": [f"p{i}" for i in range(40)],
            "arm": arm,
            "sex": np.repeat(["f", "m"], 20),
        }
    )
    size = None if scheme == "simple" else 4
    block, _ = allocation_blocks(allocation, scheme=scheme, block_size=size, strata=("sex",))
    drawn = draw_labels(block, arm == "HRT", 200, rng)
    counts = np.array([np.bincount(block, weights=row) for row in drawn])
    assert (counts == np.bincount(block, weights=arm == "HRT")).all()
    assert len(np.unique(block)) == {"simple": 1}.get(scheme, 10)
    # Every person is treated in about half of the draws (5 standard errors).
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(200)


def test_blocks_that_differ_are_named_by_their_own_numbers():
    # A first stratum whose only block is cut short is not the first block that is compared.
    arm = ["CON", *("CON", "HRT"), *("CON", "HRT"), *("HRT", "HRT")]
    allocation = pd.DataFrame(
        {"participant_id": [f"p{i}" for i in range(7)], "arm": arm, "sex": ["f"] + ["m"] * 6}
    )
    with pytest.raises(DesignError, match="block 2 .*holds CON 1, HRT 1, block 4 .*HRT 2"):
        allocation_blocks(allocation, scheme="stratified_blocks", block_size=2, strata=("sex",))


class TestReplayed:
    """Allocations replayed by the trial's own program, one a row."""

    def table(self, tmp_path, allocation, n=99, **changed):
        rng = np.random.default_rng(4)
        drawn = np.stack([rng.permutation(allocation["arm"]) for _ in range(n)])
        columns = ["sub-" + name for name in allocation["participant_id"]]
        frame = pd.DataFrame(drawn, columns=columns).assign(**changed)
        frame.iloc[:, ::-1].to_csv(tmp_path / "replayed.tsv", sep="\t", index=False)
        return tmp_path / "replayed.tsv", drawn

    def test_columns_are_put_in_the_order_of_the_list(self, tmp_path):
        allocation = ten_people()
        path, drawn = self.table(tmp_path, allocation)
        assert (read_replayed(path, allocation, ("CON", "HRT")) == drawn).all()

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"sub-p3": "MIT"}, "also found MIT"),
            ({"sub-x": "CON"}, "unknown: x"),
            ({"n": 20}, "99 or more allocations.*found 20"),
        ],
    )
    def test_wrong_tables_are_refused(self, tmp_path, changed, words):
        allocation = ten_people()
        path, _ = self.table(tmp_path, allocation, **changed)
        with pytest.raises(DesignError, match=words):
            read_replayed(path, allocation, ("CON", "HRT"))


@pytest.mark.parametrize(
    ("shape", "label", "words"),
    [
        ((99, 59), "CON", r"expected \(n_draws, 60\)"),
        ((99, 60), "X", "also found X"),
        ((20, 60), "CON", "99 or more allocations"),
    ],
)
def test_replayed_allocations_that_cannot_be_are_refused(trial, make_options, shape, label, words):
    allocation = trial[1].allocation
    with pytest.raises(DesignError, match=words):
        TrialDesign.from_options(make_options(), allocation, replayed=np.full(shape, label))
