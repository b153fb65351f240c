"""gliodil on one synthetic patient with every λ_PDE, and from initial guesses that are off by chance."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    import pandas as pd

    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import write_text
    from gliofit.evaluation.gliodil_study import guess_rows, weight_rows
    from gliofit.synthetic.gliodil_patient import load_patient

    params, wildcards = snakemake.params, snakemake.wildcards
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(1.0)
    patient, truth = load_patient(Path(snakemake.input.truth).parent, tissue)
    options = {
        "spacing": params.spacing,
        "seed": params.seed,
        "threads": snakemake.threads,
        "settings": params.settings,
    }
    rows = weight_rows(patient, truth, params.weights, **options)
    rows += guess_rows(patient, truth, params.guesses, params.scatter, **options)
    frame = pd.DataFrame(rows)
    frame.insert(0, "set", wildcards.foci)
    frame.insert(0, "case", f"{wildcards.foci}_{wildcards.index}")
    write_text(snakemake.output[0], frame.to_csv(index=False))
