"""How tables of two processors are compared."""

from __future__ import annotations

import pandas as pd
import pytest
from portable_test import compared


def made(folder, means, errors):
    (folder / "results/tables").mkdir(parents=True)
    table = pd.DataFrame({"method": [f"m{i}" for i in range(len(means))], "mean": means, "se": errors})
    table = table.sample(frac=1, random_state=len(str(folder)))  # the order of rows says nothing
    table.to_csv(folder / "results/tables/a.csv", index=False)
    return folder


@pytest.fixture
def reference(tmp_path):
    return made(tmp_path / "reference", [1.0, 1.0, 1.0, float("nan")], [0.0, 0.5, 0.0, 0.0])


def test_means_are_apart_beyond_a_hundredth_and_their_error(tmp_path, reference):
    rows, found = compared(made(tmp_path / "other", [1.005, 1.4, 1.02, float("nan")], [0.0, 0.5, 0.0, 0.0]), reference)
    assert not found
    assert rows.set_index("of")["apart"].to_dict() == {"m0": False, "m1": False, "m2": True}


def test_a_mean_more_is_told(tmp_path, reference):
    _, found = compared(made(tmp_path / "other", [1.0, 1.0], [0.0, 0.0]), reference)
    assert found == ["results/tables/a.csv has 2 means in one run and 3 in the other"]
