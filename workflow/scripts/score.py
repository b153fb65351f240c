"""Metrics of a set's fits, all methods, beside the reference's density on the whole brain."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    from collections import defaultdict
    from pathlib import Path

    import pandas as pd

    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.files import write_text
    from gliofit.evaluation.metrics import evaluate_fit, search_metrics, tidy
    from gliofit.growth import simulate
    from gliofit.inversion.fit_file import load_fits

    # a reference serves all methods, and a tissue all references on it
    by_tissue = defaultdict(lambda: defaultdict(list))
    for wm, path in zip(snakemake.input.wm, snakemake.input.fits, strict=True):
        for fit in load_fits(path):
            by_tissue[Path(wm).parent][fit.case].append(fit)
    references = {fit.case: fit for path in snakemake.input.references for fit in load_fits(path)}
    rows = []
    for folder, by_case in by_tissue.items():
        maps = (folder / f"{name}.nii.gz" for name in ("wm", "gm", "csf"))
        tissue = Tissue.from_nifti(*maps).working_grid(snakemake.params.spacing)
        for case, fits in by_case.items():
            truth = fits[0].true_theta
            if case in references:
                reference = references[case].density_on(tissue, threads=snakemake.threads)
            else:
                reference = simulate(tissue, truth, threads=snakemake.threads)
            for fit in fits:
                density = fit.density_on(tissue, threads=snakemake.threads)
                about = {"theta": fit.theta, "true_theta": truth, "seconds": fit.seconds}
                values = evaluate_fit(density, reference, tissue, **about)
                values |= search_metrics(fit)
                rows.append(tidy(case, snakemake.wildcards.set, fit.method, values))
    write_text(snakemake.output[0], pd.concat(rows).to_csv(index=False))
