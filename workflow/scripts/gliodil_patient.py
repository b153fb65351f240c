"""Make one of GliODIL's synthetic patients, and see what the standard plan misses of it."""

from pathlib import Path

from gliofit.workflow import job

with job(snakemake):
    from gliofit.clinical import defined
    from gliofit.gliodil_patients import load_patient, make_patient
    from gliofit.gliodil_scores import standard_scores
    from gliofit.tissue import Tissue
    from gliofit.workflow import write_json

    params, output = snakemake.params, snakemake.output
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(1.0)
    folder = Path(output.truth).parent
    make_patient(tissue, folder, snakemake.wildcards.foci, params.seed, snakemake.threads)
    patient, truth = load_patient(folder, tissue)
    case = {"case": folder.name, "set": snakemake.wildcards.foci, "method": "standard"}
    write_json(output.scores, {**case, "scores": defined(standard_scores(truth, patient))})
