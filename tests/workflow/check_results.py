"""`python check_results.py RESULTS`: are all tables and figures of a finished run there, whole and finite?"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pandas as pd
import yaml

COLUMNS = ["method", "metric", "n", "mean", "se", "median", "p_value"]


def problems(results: Path) -> list[str]:
    """What is missing or wrong, in words; empty for a sound run."""
    config = yaml.safe_load((results / "config.yaml").read_text())
    methods = set(config["methods"])
    found = []
    for number in (1, 2, 3):
        table = pd.read_csv(results / f"tables/weidner_table{number}.csv")
        expected = methods - {"cmaes_solver"} if number == 3 else methods
        if list(table.columns) != COLUMNS:
            found.append(f"table {number} has columns {list(table.columns)}")
        if set(table["method"]) != expected:
            found.append(f"table {number} has rows for {sorted(set(table['method']))}, not {sorted(expected)}")
        for row in table.itertuples():
            # a correlation is undefined for an empty prediction; tables then print the smaller N
            if row.metric != "ncc" and not (math.isfinite(row.mean) and math.isfinite(row.median) and row.n > 0):
                found.append(f"table {number}: {row.metric} of {row.method} is not finite")
        found += [
            f"table {number} has no {suffix}"
            for suffix in ("md", "tex")
            if not (results / f"tables/weidner_table{number}.{suffix}").stat().st_size
        ]
    patients = pd.read_csv(results / "tables/patients.csv")
    if set(patients["method"]) != methods | {"standard", "geodesic"}:
        found.append(f"the patients' table has rows for {sorted(set(patients['method']))}")
    whole = patients.query("metric == 'dice_whole'").set_index("method")["mean"]
    if not whole[sorted(methods)].between(0, 1).all():
        found.append("the patients' table has a method without a Dice of the whole tumour")
    for foci in ("single", "multi"):
        table = pd.read_csv(results / f"tables/gliodil_synthetic_{foci}.csv")
        if not (table.query("metric == 'missed_5'")["mean"] >= 0).all():
            found.append(f"the table of GliODIL's synthetic patients ({foci}) does not tell what plans miss")
    cohort = pd.read_csv(results / "tables/cohort.csv").set_index(["method", "metric"])
    for metric in ("dice_core", "dice_whole", "rmse_unseen", "failed", "cpu_seconds"):
        rows = cohort.xs(metric, level="metric")
        if metric in ("rmse_unseen", "cpu_seconds"):  # the true density has no error, and takes no time
            rows = rows.drop("truth", errors="ignore")
        if not (rows["n"] > 0).all():
            found.append(f"the cohort's table lacks {metric} of a method")
    if not cohort.xs("dice_whole", level="metric")["mean"].between(0.2, 1).all():
        found.append("the cohort's table has a method that explains no whole tumour")
    ezhov = pd.read_csv(results / "tables/ezhov_table1.csv").set_index(["method", "metric"])
    if not ezhov.loc[("surrogate", "test_mae_tumour"), "mean"] < 0.5:
        found.append("Ezhov's Table I has no error of the methods' surrogate")
    if not ezhov.xs("test_dice_2", level="metric")["mean"].between(0, 1).all():
        found.append("Ezhov's Table I has a row without Dice")
    found += [
        f"Ezhov's figure {n} is missing"
        for n in range(6, 10)
        if not (results / f"figures/ezhov_figure{n}.png").is_file()
    ]
    for name in ("1b", "3", "4", "5"):
        path = results / f"figures/weidner_figure{name}.png"
        if not (path.is_file() and path.read_bytes().startswith(b"\x89PNG")):
            found.append(f"figure {name} is missing")
    if "<html" not in (results / "report.html").read_text().lower():
        found.append("the report is not HTML")
    return found


if __name__ == "__main__":
    faults = problems(Path(sys.argv[1]))
    print("\n".join(faults) or "all tables and figures are there, and finite")
    sys.exit(bool(faults))
