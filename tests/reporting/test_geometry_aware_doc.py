"""The section on the geometry-aware surrogate: our rows beside the paper's."""

from types import SimpleNamespace

import pandas as pd

from gliofit.reporting.results_doc.geometry_aware import geometry_aware, published


def run(rows, ratios=(10,)):
    """Results with Table I of some rows, each with the Dice 0.5, 0.25 and 0.125."""
    values = (("dice_2", 0.5), ("dice_4", 0.25), ("dice_8", 0.125))
    entries = [(row, f"test_{level}", value) for row in rows for level, value in values]
    table = pd.DataFrame(entries, columns=["method", "metric", "mean"]).set_index(["method", "metric"])
    config = {
        "geometry_aware": {"train": 2000, "ratios": list(ratios)},
        "networks": {"geometry_aware": {"steps": 300}},
    }
    return SimpleNamespace(table=lambda key: table if rows else None, printed=lambda key: "TABLE", config=config)


def test_published_numbers_are_the_paper_s():
    paper = published()
    assert paper.loc[("f", "test")].tolist() == [0.802, 0.795, 0.794]
    assert paper.loc[("a", "validation")].tolist() == [0.572, 0.575, 0.576]
    assert paper.loc[("f_100", "test")].tolist() == [0.782, 0.775, 0.764]
    assert len(paper) == 13


def test_rows_of_the_run_stand_beside_the_paper_s():
    lines = geometry_aware(run(["f_10", "c_10", "f_100", "geometry_aware", "surrogate"], (10, 100)))
    assert lines[1] == "TABLE"
    assert "2,000 tumours and 300 steps" in lines[2]
    rows = lines[3].splitlines()[2:]
    assert [row.split("|")[2:4] for row in rows] == [
        [" 0.500 / 0.250 / 0.125 ", " 0.588 / 0.571 / 0.544 "],
        [" 0.500 / 0.250 / 0.125 ", " 0.802 / 0.795 / 0.794 "],
        [" 0.500 / 0.250 / 0.125 ", " 0.782 / 0.775 / 0.764 "],
        [" 0.500 / 0.250 / 0.125 ", " 0.802 / 0.795 / 0.794 "],
    ]
    assert "D_w/D_g = 100" in rows[2]
    assert "released" in rows[3]


def test_without_a_study_there_is_no_section():
    assert geometry_aware(run([])) == []
