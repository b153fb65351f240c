"""Metrics of one method's fits: θ̂ and the reference θ, both run through the numerical solver on the whole brain."""

from gliofit.workflow import job

with job(snakemake):
    from itertools import groupby
    from pathlib import Path

    import pandas as pd

    from gliofit.files import write_text
    from gliofit.growth import simulate
    from gliofit.metrics import evaluate_fit, tidy
    from gliofit.theta import Theta
    from gliofit.tissue import Tissue
    from gliofit.workflow import read_json

    rows = []
    anatomies = [Path(wm).parent for wm in snakemake.input.wm]
    for folder, pairs in groupby(zip(anatomies, snakemake.input.fits, strict=True), key=lambda pair: pair[0]):
        maps = (folder / f"{name}.nii.gz" for name in ("wm", "gm", "csf"))
        tissue = Tissue.from_nifti(*maps).working_grid(snakemake.params.spacing)
        for fit in (fit for _, path in pairs for fit in read_json(path)):
            found, truth = Theta.from_dict(fit["theta"]), Theta.from_dict(fit["true_theta"])
            density, reference = (simulate(tissue, theta, threads=snakemake.threads) for theta in (found, truth))
            values = evaluate_fit(density, reference, tissue, theta=found, true_theta=truth, seconds=fit["seconds"])
            rows.append(tidy(fit["case"], snakemake.wildcards.set, snakemake.wildcards.method, values))
    write_text(snakemake.output[0], pd.concat(rows).to_csv(index=False))
