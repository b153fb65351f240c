"""Bad configs: each ends in one sentence that names the key."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from cases import small_patient

from gliofit.base.errors import InputError
from gliofit.pipeline.config import RESERVED, load_config, read_patients

ROOT = Path(__file__).parents[2]


@pytest.fixture
def values() -> dict:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text())


def merged(values: dict, changes: dict) -> dict:
    """`values` with `changes` laid over, section by section, as Snakemake lays one config file over another."""
    result = copy.deepcopy(values)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if nested else value
    return result


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configs_are_valid(values, path):
    config = load_config(merged(values, yaml.safe_load(path.read_text())))
    crops = {"quick": (32,) * 3, "lmi": (32,) * 3, "paper": (128,) * 3}
    assert config.crop == crops.get(path.stem, (64,) * 3)
    assert {method for method, given in values["methods"].items() if given is not False} <= set(config.methods)


def test_a_growth_model_names_all_methods_that_do_not_know_it_and_what_takes_them_out(values):
    with pytest.raises(InputError, match=r"not mass_effect, nor do .*hybrid.*; take out what does not") as refused:
        load_config(merged(values, {"growth_model": "mass_effect"}))
    out = yaml.safe_load(re.search(r"\((methods: {.*})\)", str(refused.value))[1])
    assert "gauss_newton" in load_config(merged(values, {"growth_model": "mass_effect"} | out)).methods


def test_loading_a_config_does_not_import_torch():
    """Every call of Snakemake loads it, the listing of rules included."""
    load = (
        "import sys, yaml; from gliofit.pipeline import config; config.load_config(yaml.safe_load(open(sys.argv[1])))"
    )
    command = [sys.executable, "-c", f"{load}; sys.exit('torch' in sys.modules)", ROOT / "config/config.yaml"]
    assert subprocess.run(command).returncode == 0


def test_paper_scale_is_the_papers(values):
    config = load_config(merged(values, yaml.safe_load((ROOT / "config/paper.yaml").read_text())))
    assert (config.samples.train, config.samples.validation, config.test_cases.number) == (28_000, 1_000, 500)
    slow = {"cmaes_solver", "gliodil", "pde_gliodil"}
    assert {config.cases("sri24", method) for method in slow} == {25}
    assert {config.cases("sri24", method) for method in set(config.methods) - slow - {"wavefront"}} == {500}
    assert config.cases("sri24", "wavefront") == 0  # it fits outlines and has no parameters
    # the same share of the other sets, rounded up
    assert (config.cases("mni152", "cmaes_solver"), config.cases("edge", "cmaes_solver")) == (5, 3)
    assert config.case_sets == {"sri24": "sri24", "mni152": "mni152", "edge": "sri24", "beyond": "sri24"}
    # one anatomy as it is, and Adam at a rate that does not warm up
    assert config.samples.deformation_mm == 0
    for name in ("surrogate", "inverse", "inverse_segmentation"):
        given = asdict(config.training(name))
        assert given["architecture"] == "weidner"
        assert (given["flip"], given["weight_decay"], given["warmup"]) == (False, 0, 0)


def test_a_method_without_settings_keeps_its_defaults(values):
    assert load_config(merged(values, {"methods": {"direct": None}})).settings("direct") == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"atals": "sri24"}, "unknown key 'atals'; did you mean 'atlas'?"),
        ({"networks": {"surrogate": {"widht": 8}}}, "did you mean 'networks.surrogate.width'?"),
        ({"atlas": "sri25"}, "atlas = 'sri25' is not valid: input should be 'sri24' or 'mni152'"),
        ({"atlas": {"t1": "a", "wm": "b", "gm": "c"}}, "the key 'atlas.csf' is missing"),
        ({"spacing": -2}, "spacing = -2.0 is not valid: input should be 1.0, 2.0 or 4.0"),
        ({"samples": {"train": "many"}}, "samples.train = 'many' is not valid"),
        ({"spacing": "fine"}, "spacing = 'fine' is not valid"),
        ({"spacing": True, "train": True}, "spacing: True is not valid: true and false are no numbers"),
        ({"cohort": {"methods": {"direct": [True]}}}, "cohort.methods: {.*true and false are no numbers"),
        ({"samples": {"train": -5}}, "samples.train = -5 is not valid: input should be greater than 0"),
        ({"samples": {"train": 4, "shards": 8}}, "samples.shards = 8 is more than samples.train"),
        ({"prior": {"mu_D": [25, 2]}}, "the range mu_D = 25 … 2 must be positive and ascending"),
        ({"seeds": {"training": -1}}, "seeds.training = -1 is not valid"),
        ({"methods": {"hybird": None}}, "unknown method 'hybird'; did you mean 'hybrid'?"),
        ({"methods": {"hybrid": None, "direkt": False}}, "unknown method 'direkt'; did you mean 'direct'?"),
        ({"methods": {"hybrid": {"iteration": 3}}}, "unknown setting 'iteration'; did you mean 'iterations'?"),
        ({"methods": {"hybrid": {"iterations": -3}}}, "methods.hybrid.iterations = -3 must be finite and not negative"),
        ({"methods": {"gauss_newton": {"keep": 0}}}, "methods.gauss_newton.keep = 0 is not valid: .* greater than 0"),
        ({"methods": {"pde_gliodil": {"cells": 33}}}, "methods.pde_gliodil: 33 cells and .* cannot be halved 1 times"),
        ({"methods": {"hybrid": {"search": "newton"}}}, "methods.hybrid.search = 'newton' is not valid"),
        ({"methods": {"hybrid": {"tolerance": float("nan")}}}, "methods.hybrid.tolerance = nan must be finite"),
        ({"methods": {"hybrid": {"tolerance": "1e-8x"}}}, "methods.hybrid.tolerance = '1e-8x' is not valid"),
        ({"networks": {"surrogate": {"learning_rate": "1e-8x"}}}, "networks.surrogate.learning_rate = '1e-8x' is not"),
        ({"networks": {"surrogate": {"learning_rate": "inf"}}}, "networks.surrogate.learning_rate = inf is not valid"),
        ({"networks": {"surrogate": {"architecture": "weidner"}}}, "networks.surrogate: window is for the gliofit"),
        ({"networks": {"surrogate": {"architecture": "ezhov"}}}, "networks.surrogate: architecture = 'ezhov' is for"),
        ({"networks": {"surrogate": {"flip": "yes"}}}, "networks.surrogate.flip = 'yes' is not valid"),
        ({"networks": {"inverse": {"width": 8.5}}}, "networks.inverse.width = 8.5 is not valid"),
        (
            {"networks": {"lmi": {"spacing": 0}}},
            "networks.lmi.spacing = 0 is not valid: input should be greater than 0",
        ),
        ({"networks": {"released": {"surogate": "a"}}}, "networks.released.surogate = 'surogate' is not valid"),
        ({"networks": {"lmi": {"coarse": {2: 0.5}}}}, "networks.lmi: coarse is for the weidner surrogate"),
        ({"prior": {"mu_D": ["1e-8x", 25]}}, "prior.mu_D.0 = '1e-8x' is not valid"),
        ({"methods": {"hybrid": {"iterations": 2.5}}}, "methods.hybrid.iterations = 2.5 is not valid"),
        ({"methods": {"cmaes_solver": {"population": "many"}}}, "methods.cmaes_solver.population = 'many' is not"),
        ({"methods": {"hybrid": 3}}, "methods.hybrid = 3 is not valid"),
        ({"methods": {"tmcmc": {"checkpoint": "a.npz"}}}, "methods.tmcmc.checkpoint: is for calls from Python"),
        ({"test_cases": {"at_most": {"nobody": 3}}}, "test_cases.at_most: unknown method 'nobody'"),
        ({"plans": {"margin_mm": -1}}, "plans.margin_mm = -1 is not valid"),
        ({"gliodil_synthetic": {"methods": {"gauss": ["mri"]}}}, "gliodil_synthetic: unknown method 'gauss'"),
        ({"cohort": {"methods": {"gauss": [1]}}}, "cohort: unknown method 'gauss'"),
        ({"cohort": {"methods": {"direct": ["auto"]}}}, "cohort.methods.direct: finds no number of foci"),
        ({"lmi_study": {"test": {"fisher_kolmogorov": 0}}}, "lmi_study.follow: there is no model without mass effect"),
        ({"bayesian": {"settings": {"sampls": 3}}}, "bayesian.settings: unknown setting 'sampls'; did you mean"),
        ({"bayesian": {"settings": {"forward": "solver"}}}, "bayesian.settings.forward: is the workflow's own"),
        ({"bayesian": {"settings": {"coarse_mm": 4}}}, "bayesian.settings: unknown setting 'coarse_mm'"),
        ({"gliodil_studies": {"pde_weights": [-1]}}, "gliodil_studies.pde_weights.0 = -1 is not valid"),
        ({"lmi_study": {"gamma": 0}}, "lmi_study.gamma = 0 is not valid: input should be greater than 0"),
        ({"gliodil_synthetic": {"methods": {"direct": ["pet"]}}}, "input should be 'mri' or 'mri_pet'"),
    ],
)
def test_a_fault_is_one_sentence(values, changes, message):
    with pytest.raises(InputError) as error:
        load_config(merged(values, changes), "config/mine.yaml")
    text = str(error.value)
    assert text.startswith("config/mine.yaml: ")
    assert "\n" not in text
    assert re.search(re.escape(message).replace(r"\.\*", ".*"), text), text


def test_a_method_whose_extra_is_not_installed_ends_before_any_job(values, monkeypatch):
    given = merged(values, {"methods": {"nnunet": {}}})
    monkeypatch.setattr("gliofit.base.extras.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"config: method nnunet needs .* pip install 'gliofit\[nnunet\]'"):
        load_config(given)
    monkeypatch.setattr("gliofit.base.extras.find_spec", lambda name: object())
    assert load_config(given).networks.nnunet.predicts == "recurrence"


def test_no_methods(values):
    with pytest.raises(InputError, match="methods is empty"):
        load_config({**values, "methods": {}})


def test_a_missing_key_is_named(values):
    del values["samples"]["train"]
    with pytest.raises(InputError, match=r"the key 'samples\.train' is missing"):
        load_config(values)


def test_settings_of_training_are_those_that_training_takes(values):
    """One definition: what the config gives is what `train` is called with."""
    from gliofit.training.settings import SETTINGS

    config = load_config(merged(values, {"networks": {"surrogate": {"clip": 0.5}}}))
    for role, settings in SETTINGS.items():
        assert type(config.training(role)) is settings
    assert config.training("surrogate").clip == 0.5
    assert config.training("inverse").clip == SETTINGS["inverse"]().clip


def test_yaml_that_reads_numbers_as_text(values):
    """YAML 1.1 takes 1e-8 for text, as it has no point; every section means the number, and says so of what is none."""
    given = yaml.safe_load(
        "spacing: 4e0\ntrain: true\nprior: {mu_D: [2e0, 25]}\nnetworks: {surrogate: {learning_rate: 1e-8}}\n"
        "methods: {hybrid: {tolerance: 1e-8}, cmaes_solver: {tolerance: 1E-9}}"
    )
    config = load_config(merged(values, given))
    assert config.spacing == 4
    assert config.prior.mu_D == [2, 25]
    assert config.networks.surrogate.learning_rate == 1e-8
    assert config.settings("hybrid") == {"tolerance": 1e-8}
    assert config.settings("cmaes_solver")["tolerance"] == 1e-9


def test_numbers_that_arrive_as_text_are_numbers(values):
    given = {"methods": {"hybrid": {"iterations": "7"}}, "networks": {"surrogate": {"learning_rate": "1e-4"}}}
    config = load_config(merged(values, given))
    assert config.settings("hybrid") == {"iterations": 7}
    assert config.networks.surrogate.learning_rate == 1e-4


def test_false_takes_a_method_out(values):
    assert "hybrid" not in load_config(merged(values, {"methods": {"hybrid": False}})).methods


SHEET = "id\tt1\tt1c\tflair\tseg\n"
MADE = "\t".join(f"results/synthetic/a/{name}.nii.gz" for name in ("t1n", "t1c", "t2f", "seg"))


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        (f"{SHEET}a\t{MADE}\na\t{MADE}\n", "line 3: patient id a is already in use"),
        (f"{SHEET}a b\t{MADE}\n", "patient id 'a b' may only have letters"),
        (f"{SHEET}tables\t{MADE}\n", "patient id 'tables' is a file of the pipeline's own results"),
        (f"{SHEET}a\tt1.nii.gz\t\t\tseg.nii.gz\n", "t1.nii.gz: no such file"),
        ("name\tt1\n", "the column id is missing"),
    ],
)
def test_a_fault_in_the_sample_sheet_is_one_sentence(values, tmp_path, sheet, message):
    path = tmp_path / "patients.tsv"
    path.write_text(sheet)
    with pytest.raises(InputError, match=re.escape(message)):
        read_patients(load_config({**values, "patients": str(path)}), ROOT)


def test_the_shipped_patients_are_synthetic(values):
    patients, warnings, refused = read_patients(load_config(values), ROOT)
    assert list(patients) == ["synthetic_1", "synthetic_2"]
    assert warnings == []
    assert refused == {}


def test_paths_of_the_command_line(values):
    """`null` is text there, and digits a number."""
    assert load_config({**values, "patients": "null", "brats_dir": "None"}).patients is None
    assert load_config({**values, "brats_dir": ""}).brats_dir is None
    assert load_config({**values, "labels": "edema=1,core=2"}).labels == "edema=1,core=2"
    with pytest.raises(InputError, match=r"brats_dir = 202401 arrived as a number; write brats_dir=\./NAME"):
        load_config({**values, "brats_dir": 202401})


def test_ids_of_the_pipelines_own_files_are_refused(values, tmp_path):
    """Whatever a rule writes straight into results/ is reserved."""
    files = [*(ROOT / "workflow/rules").glob("*.smk"), *(ROOT / "src/gliofit/pipeline").glob("*.py")]
    rules = [path.read_text() for path in sorted(files)]
    made = {
        name for text in [*rules, (ROOT / "Snakefile").read_text()] for name in re.findall(r"results/([\w.]+)", text)
    }
    assert {"page", "report.html", "config.yaml"} <= made
    assert made <= RESERVED
    path = tmp_path / "patients.tsv"
    for name in ("page", "report.html", "Page"):
        path.write_text(f"{SHEET}{name}\t{MADE}\n")
        with pytest.raises(InputError, match=f"patient id '{name}' is a file of the pipeline's own results"):
            read_patients(load_config({**values, "patients": str(path)}), ROOT)


def test_a_patient_with_bad_files_does_not_hold_up_the_others(values, tmp_path, small_tissue):
    small_patient(tmp_path / "A", small_tissue)
    bad = small_patient(tmp_path / "B", small_tissue)
    bad.t1.unlink()
    bad.t1.symlink_to(tmp_path / "gone.nii.gz")
    twice = small_patient(tmp_path / "C", small_tissue)
    (tmp_path / "C/C_seg.nii.gz").write_bytes(twice.seg.read_bytes())
    small_patient(tmp_path / "{x}, [1]/E", small_tissue)
    patients, _, refused = read_patients(load_config({**values, "patients": None, "brats_dir": str(tmp_path)}), ROOT)
    assert list(patients) == ["A"]
    assert "t1.nii.gz: is a link to" in refused["B"]
    assert "could both be its seg" in refused["C"]
    assert "has a brace in its path" in refused["E"]


def test_unknown_labels_are_the_configs_own_fault(values, tmp_path, small_tissue):
    small_patient(tmp_path / "A", small_tissue)
    config = load_config({**values, "patients": None, "brats_dir": str(tmp_path), "labels": "brast"})
    with pytest.raises(InputError, match="unknown labels 'brast'; choose brats"):
        read_patients(config, ROOT)
