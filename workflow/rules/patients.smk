"""Scans → checks → registration → tissue and tumour masks in the patient's own space."""


rule synthetic_patient:
    """An in-silico patient: a tumour on an anatomy that networks are not trained on, dressed up as a BraTS case."""
    input:
        t1=f"results/anatomy/{CONFIG.unseen_anatomy}/t1.nii.gz",
        tissue=tissue(CONFIG.unseen_anatomy),
    output:
        multiext(
            "results/synthetic/{synthetic}/",
            "t1n.nii.gz",
            "t1c.nii.gz",
            "t2f.nii.gz",
            "seg.nii.gz",
            "truth.json",
        ),
    log:
        "results/logs/synthetic_patient/{synthetic}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(4),
        runtime=hours(1 / 2),
    params:
        seed=lambda wildcards: PLAN.synthetic_seed(wildcards.synthetic),
        sources=sources("synthetic_patient.py"),
    script:
        "../scripts/synthetic_patient.py"


rule bring_in:
    """Raw scans – DICOM, unstripped, each on a grid of its own – on the T1c's grid."""
    input:
        scans=given_scans,
        t1=f"results/anatomy/{CONFIG.anatomy}/t1.nii.gz",
        tissue=tissue(CONFIG.anatomy),
    output:
        f"results/{{patient}}/scans/{ORIGIN}",
    log:
        "results/logs/bring_in/{patient}.log",
    priority: 100
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(3),
        runtime=hours(2),
    params:
        patient=lambda wildcards: SHEET[wildcards.patient].to_dict(),
        sources=sources("bring_in.py"),
    script:
        "../scripts/bring_in.py"


rule check_patient:
    """Image contents – labels, NaN, place of the tumour –, ahead of all long work."""
    input:
        scans=scans,
    output:
        said="results/{patient}/check.txt",
        scans="results/{patient}/checked.npz",
    log:
        "results/logs/check_patient/{patient}.log",
    priority: 100
    conda:
        ENVIRONMENT
    threads: shared_out(CONFIG.threads.registration)
    resources:
        mem_mb=gigabytes(3),
        runtime=hours(1 / 3),
    params:
        patient=row,
        refused=lambda wildcards: REFUSED.get(wildcards.patient),
        sources=sources("check_patient.py"),
    script:
        "../scripts/check_patient.py"


rule prepare_patient:
    input:
        check="results/{patient}/checked.npz",
        scans=scans,
        t1=f"results/anatomy/{CONFIG.anatomy}/t1.nii.gz",
        tissue=tissue(CONFIG.anatomy),
        settings=data(f"anatomy/registration_settings/{CONFIG.registration}.json"),
    output:
        prepared("{patient}"),
    log:
        "results/logs/prepare_patient/{patient}.log",
    conda:
        ENVIRONMENT
    threads: shared_out(CONFIG.threads.registration)
    resources:
        mem_mb=gigabytes(8),
        runtime=hours(4),
    params:
        patient=row,
        registration=CONFIG.registration,
        tumour_tissue=CONFIG.tumour_tissue,
        sources=sources("prepare_patient.py"),
    script:
        "../scripts/prepare_patient.py"


rule picture_preparation:
    input:
        prepared=prepared("{patient}"),
        scans=scans,
    output:
        report(
            "results/{patient}/preparation.png",
            caption="../report/patient.rst",
            category="Patients",
            subcategory="{patient}",
            labels={"shows": "preparation"},
        ),
    log:
        "results/logs/picture_preparation/{patient}.log",
    group:
        "patient"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(3),
        runtime=hours(1 / 2),
    params:
        sources=sources("picture_preparation.py"),
    script:
        "../scripts/picture_preparation.py"


rule picture_fit:
    input:
        prepared=prepared("{patient}"),
        scans=scans,
        density="results/{patient}/{method}.nii.gz",
    output:
        report(
            "results/{patient}/{method}.png",
            caption="../report/fit.rst",
            category="Patients",
            subcategory="{patient}",
            labels={"shows": "{method}"},
        ),
    log:
        "results/logs/picture_fit/{patient}-{method}.log",
    group:
        "patient"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=gigabytes(3),
        runtime=hours(1 / 2),
    params:
        title=lambda wildcards: describe(wildcards.method).title,
        sources=sources("picture_fit.py"),
    script:
        "../scripts/picture_fit.py"
