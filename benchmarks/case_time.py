"""
Where the time of a case goes: from a BraTS patient's files to a method's density by the workflow, with one focus.

    python benchmarks/case_time.py ../shared/patients/BraTS18_CBICA_AQN_1 [--method hybrid] [--registration greedy]

runs the workflow in a folder of its own, where the atlas is already, and then its warm process and each of its jobs
once more, taken apart; `--write` puts the table into docs/benchmarks.md. CPU seconds are those of all processes; beside
other work only they, and no wall times, tell anything.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from cases import FOLDER
from pages import END, put

from gliofit.anatomy.atlas import SRI24_WHEEL, download_sri24
from gliofit.base.files import write_json
from gliofit.growth import compile_kernels
from gliofit.inversion import describe
from gliofit.pipeline.dependencies import dependencies
from gliofit.pipeline.records import recorded
from gliofit.pipeline.warm import EARLY, ONE_THREAD, modules

ROOT = Path(__file__).parents[1]

PARTS = {
    "check_patient": [("gliofit.patients.scans", "load_scans", "reading and checking scans")],
    "prepare_patient": [
        ("gliofit.anatomy.anatomy", "load_files", "reading the atlas"),
        ("gliofit.patients.checked", "load_checked", "reading scans"),
        ("gliofit.patients.preparation", "register", "registration"),
        ("gliofit.anatomy.transforms.Registration", "to_patient", "tissue maps to the scan"),
        ("gliofit.patients.preparation", "save_volume", "writing"),
    ],
    "fit_patient": [
        ("gliofit.patients.prepared", "load_prepared", "reading"),
        ("gliofit.inversion.patient_problem", "patient_problem", "to the working grid"),
        ("gliofit.inversion.registry", "ready", "networks"),
        ("gliofit.inversion.registry", "invert", "fit"),
        ("gliofit.base.nifti", "save_volume", "writing"),
    ],
}
"""Job → functions that its script calls (module or class, name), and what their time is called."""

NAME = "case"
"""Of the table in docs/benchmarks.md."""

REST = "the rest: masks, fractions, records"


def processor() -> float:
    """CPU seconds of this process and its finished children so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def timed(function: Callable, spent: dict[str, float], part: str) -> Callable:
    """`function`, adding its CPU seconds to `spent`."""

    def run(*args: Any, **kwargs: Any) -> Any:
        before = processor()
        try:
            return function(*args, **kwargs)
        finally:
            spent[part] = spent.get(part, 0.0) + processor() - before

    return run


def sources(path: Path) -> tuple[Path, ...]:
    """Source files that a recorded job depends on."""
    done = recorded(path)
    method = getattr(done.wildcards, "method", None)
    return dependencies(Path(done.script), *([describe(method).run.__module__] if method else []))


def take_apart(rule: str, path: Path, out: Path) -> None:
    """
    Run a recorded job once more in this process, and print the CPU seconds of its parts as JSON.

    As in a fork of the warm process, all modules are there before it begins.
    """
    from gliofit.pipeline.rerun import rerun

    warm_up(modules(sources(path)))
    before, spent = processor(), dict[str, float]()
    for home, name, part in PARTS[rule]:
        try:
            holder: Any = import_module(home)
        except ModuleNotFoundError:
            module, _, holder_name = home.rpartition(".")
            holder = getattr(import_module(module), holder_name)
        setattr(holder, name, timed(getattr(holder, name), spent, part))
    rerun(path, out)
    print(json.dumps({**spent, "all": processor() - before}))


def warm_up(names: Iterable[str]) -> None:
    """What a warm process does before it has nothing to do but fork."""
    for name in names:
        with suppress(ImportError):
            import_module(name)
    compile_kernels()


def ran(command: list[str], folder: Path, told: str = "", **variables: str) -> tuple[float, float, str]:
    """
    A command's wall and CPU seconds, and what it printed.

    It is `told` something on its standard input; `variables` are added to its environment.
    """
    before, started = processor(), time.perf_counter()
    how: dict[str, Any] = {"cwd": folder, "env": os.environ | variables, "input": told}
    done = subprocess.run(command, capture_output=True, text=True, check=False, **how)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return time.perf_counter() - started, processor() - before, done.stdout


def record(folder: Path, rule: str, patient: str, method: str) -> Path:
    """The record of a job of the case."""
    name = f"{patient}-{method}" if rule == "fit_patient" else patient
    return folder / f"results/logs/{rule}/{name}.job.yaml"


def case(patient: Path, method: str, registration: str, foci: str, cores: int) -> list[tuple[str, str, str]]:
    """Rows of the table: job, part, CPU seconds."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        (folder / "patients").mkdir()
        (folder / "patients" / patient.name).symlink_to(patient.resolve())
        (folder / "resources/atlas").mkdir(parents=True)
        shutil.copy(download_sri24(FOLDER), folder / "resources/atlas" / SRI24_WHEEL)
        snakemake = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", str(cores)]
        options = ["--quiet", "all", "--config", "patients=null", f"brats_dir={folder / 'patients'}"]
        options += [f"registration={registration}", f"growth_model={{name: fisher_kolmogorov, foci: {foci}}}"]
        ran([*snakemake, "results/anatomy/sri24/t1.nii.gz", *options], folder)
        target = f"results/{patient.name}/{method}.nii.gz"
        _, start, _ = ran([sys.executable, "-m", "snakemake", "--version"], folder)
        _, planning, _ = ran([*snakemake, "--dry-run", target, *options], folder)
        wall, whole, _ = ran([*snakemake, target, *options], folder)
        rows = [("Snakemake", "its own start", f"{start:.1f}")]
        rows += [("Snakemake", "rules, checks of headers, planning", f"{planning - start:.1f}")]
        records = {rule: record(folder, rule, patient.name, method) for rule in PARTS}
        needed = {str(source) for path in records.values() for source in sources(path)}
        told = json.dumps([*EARLY, *modules(needed)])
        _, warm, _ = ran([sys.executable, __file__, "--warm-up"], folder, told, **ONE_THREAD)
        rows += [("warm process", "imports, the solver's kernels", f"{warm:.1f}")]
        taken = planning + warm
        for rule, path in records.items():
            again = [sys.executable, __file__, "--take-apart", rule, str(path), str(folder / "again")]
            spent = json.loads(ran(again, folder)[2].splitlines()[-1])
            total = spent.pop("all")
            spent[REST] = max(0.0, total - sum(spent.values()))
            taken += total
            rows += [(f"`{rule}`", part, f"{seconds:.1f}") for part, seconds in spent.items()]
        left = max(0.0, whole - taken)  # jobs that are run again may take longer than the first time
        rows.append(("Snakemake", "running jobs, a Python for each, provenance (what is left)", f"{left:.1f}"))
        rows.append(("all", f"{wall:.0f} s of wall time on {cores} cores, as busy as they were", f"{whole:.1f}"))
    return rows


def section(study: dict) -> list[str]:
    """The section of docs/benchmarks.md, from case_time.json."""
    about = (
        f"`python benchmarks/case_time.py`: {study['patient']} from its files to `{study['method']}.nii.gz` by the "
        "workflow, one focus, the atlas being there; CPU seconds of all processes."
    )
    return ["", "## A case, from files to density", "", about, "", f"<!-- {NAME} -->", *study["lines"], END, ""]


def main() -> None:
    if sys.argv[1:2] == ["--take-apart"]:
        rule, path, out = sys.argv[2:]
        return take_apart(rule, Path(path), Path(out))
    if sys.argv[1:] == ["--warm-up"]:
        return warm_up(json.load(sys.stdin))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patient", type=Path, help="a case's folder")
    parser.add_argument("--method", default="hybrid")
    parser.add_argument("--registration", default="greedy")
    parser.add_argument("--foci", default="1", help='a number, or "auto"')
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    rows = case(given.patient, given.method, given.registration, given.foci, given.cores)
    lines = ["| job | part | CPU s |", "| --- | --- | ---: |", *(f"| {' | '.join(row)} |" for row in rows)]
    print(*lines, sep="\n")
    if given.write:
        write_json(FOLDER / "case_time.json", {"patient": given.patient.name, "method": given.method, "lines": lines})
        put("benchmarks.md", NAME, lines)


if __name__ == "__main__":
    main()
