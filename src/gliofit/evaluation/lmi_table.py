"""What Learn-Morph-Infer's Table 2 compares, and by which scores: no more than planning and reading need."""

from __future__ import annotations

from gliofit.synthetic.lmi_models import MODELS

EXPERIMENTS = {
    f"lmi_{3 * block + number}": (model, targets)
    for block, model in enumerate(MODELS)
    for number, targets in enumerate((("times", "origin"), ("growth", "origin"), ("all",)), 1)
}
"""Growth model and networks of the paper's experiments 1 to 6."""

REFINED = {"lmi_7": ("lmi_3", "fisher_kolmogorov"), "lmi_8": ("lmi_6", "mass_effect")}
"""Rows that the paper has not: Gauss–Newton on the outlines, beginning with the answer of an experiment's network."""

NETWORKS = ("all", "origin", "growth", "times")
"""By what they tell."""

SHOWN = {"all": "(μ₁, μ₂, x)", "growth": "(μ₁, μ₂)", "times": "(D, ρ, T)", "origin": "(x)"}
"""Not in braces, as the paper has them: Snakemake takes these for wildcards."""

MODEL_TITLES = dict(zip(MODELS, ("FK", "ME"), strict=True))

DENSE = 0.8
"""A density that some tumours do not reach."""

LEVELS = {"dice_001": 0.01, "dice_01": 0.1, "dice_08": DENSE}

PRESENT = 0.01
"""Density from which on a voxel counts for the MAE, be it the true or the inferred one."""

TISSUES = {"gm": 2, "wm": 3, "csf": 1}

DEFINITIONS = {
    **{
        f"mae_{name}": f"Mean |ĉ − c| over the {name.upper()} voxels of the healthy atlas where c or ĉ ≥ {PRESENT}."
        for name in TISSUES
    },
    **{
        name: f"Dice overlap of ĉ ≥ {level} and c ≥ {level}; none for a tumour that is nowhere that dense."
        for name, level in LEVELS.items()
    },
    "too_dense": f"Of tumours with c < {DENSE} everywhere: whether ĉ ≥ {DENSE} anywhere.",
}


def title(experiment: str, released: bool = False) -> str:
    """Number, growth model and targets of an experiment, and whether its network is a released one."""
    if experiment in REFINED:
        return f"{title(REFINED[experiment][0], released)}, then Gauss–Newton"
    model, targets = EXPERIMENTS[experiment]
    end = " released" if released and targets == ("all",) else ""
    return f"{experiment.removeprefix('lmi_')} {MODEL_TITLES[model]}: {', '.join(SHOWN[t] for t in targets)}{end}"
