"""
`python tests/portable/portable_test.py`: tables made with another instruction set are those of this machine's own.

The run is made twice, once by all that this processor has and once as on one of 2013 (x86-64 with AVX2 and FMA): the
solver's kernels, PyTorch, oneDNN, OpenBLAS and NumPy are told so. Sums are then made in another order, so that tables
differ in their last digits – and more where a search ends at another step, or a network was trained by the run.
Tables without means must be there, and are not compared. `APART` is what is stated of means: the share of them that may
lie further off than `WITHIN` of themselves and than their own standard error. Tables of networks that the run trains
(`TRAINED`) are told apart: training magnifies a last digit to whatever it likes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from same_tables import tables  # noqa: E402

WITHIN = 0.01
"""Of a mean: a difference that counts as none."""

APART = 0.01
"""Share of the means that may lie further apart, of tables but those `TRAINED`."""

TRAINED = ("results/tables/ezhov_table1.csv", "results/tables/lmi.csv")
"""Tables of networks that the default run trains."""

AS_IN_2013 = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx2,+fma,+bmi,+bmi2,+f16c",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
}


def run(folder: Path, config: str, targets: Sequence[str], environment: dict[str, str]) -> None:
    """The workflow in a folder; its log is there."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "all"]
    command += ["--directory", str(folder), "--configfile", str(ROOT / config), "--", *targets]
    with (folder / "run.log").open("w") as log:
        done = subprocess.run(command, cwd=folder, env=os.environ | environment, stdout=log, stderr=log)
    if done.returncode:
        raise SystemExit(f"the run failed: {(folder / 'run.log').read_text()[-3000:]}")


def means(table: pd.DataFrame) -> pd.DataFrame:
    """A table's means with their standard errors (0 where it has none), one a row; none of a table without means."""
    if "mean" not in table:
        return pd.DataFrame({"mean": [], "se": []})
    table = table.dropna(subset="mean").reset_index(drop=True)
    errors = table["se"].fillna(0.0) if "se" in table else pd.Series(0.0, table.index)
    return table.drop(columns=["mean", "se"], errors="ignore").assign(mean=table["mean"], se=errors)


def compared(folder: Path, reference: Path) -> tuple[pd.DataFrame, list[str]]:
    """Means of both runs side by side, and what is in one alone; in words."""
    mine, theirs = tables(folder), tables(reference)
    found, rows = [f"{name} is in one run alone" for name in mine.keys() ^ theirs.keys()], []
    for name in sorted(mine.keys() & theirs.keys()):
        here, there = means(mine[name]), means(theirs[name])
        if len(here) != len(there):
            found.append(f"{name} has {len(here)} means in one run and {len(there)} in the other")
            continue
        if not len(here):
            continue
        labels = here.select_dtypes(exclude="number").columns.tolist()
        both = here.merge(there, on=labels, suffixes=("", "_other"), validate="one_to_one")
        if len(both) != len(here):
            found.append(f"{name} has means in one run that the other has not")
        of = both[labels].astype(str).agg(" ".join, axis=1)
        away = (both["mean"] - both["mean_other"]).abs()
        apart = (away > WITHIN * both["mean"].abs()) & (away > np.maximum(both["se"], both["se_other"]))
        rows.append(
            pd.DataFrame({"table": name, "of": of, "mean": both["mean"], "other": both["mean_other"]}).assign(
                away=away, apart=apart
            )
        )
    nothing = pd.DataFrame({"table": [], "of": [], "mean": [], "other": [], "away": [], "apart": []})
    return pd.concat(rows, ignore_index=True) if rows else nothing, sorted(found)


def main() -> int:
    parser = argparse.ArgumentParser(prog="portable_test.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("targets", nargs="*", help="what to make (default: all)")
    parser.add_argument("--config", default="config/config.yaml", metavar="FILE")
    parser.add_argument("--against", type=Path, help="folder of a run by all the processor has (default: one is made)")
    parser.add_argument("--made", type=Path, help="folder of a run as on the older processor (default: one is made)")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folders = {}
        for name, made, environment in (("own", given.against, {}), ("older", given.made, AS_IN_2013)):
            folders[name] = made or Path(scratch) / name
            if made is None:
                folders[name].mkdir()
                run(folders[name], given.config, given.targets, environment)
        rows, found = compared(folders["older"], folders["own"])
    print(rows[rows["apart"]].to_string(index=False) if rows["apart"].any() else "no mean is apart")
    trained = rows["table"].isin(TRAINED)
    for what, some in (("", rows[~trained]), (" of networks that the run trains", rows[trained])):
        exact, number = int((some["away"] == 0).sum()), f"{len(some)} means of {some['table'].nunique()} tables{what}"
        print(f"{number}: {exact} the same to the bit, {some['apart'].sum()} apart")
    share = rows.loc[~trained, "apart"].mean()
    print("\n".join(found))
    print(f"{time.monotonic() - began:.0f} s")
    return int(bool(found) or not share <= APART)


if __name__ == "__main__":
    sys.exit(main())
