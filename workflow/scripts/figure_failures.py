"""The case that each method does worst on: truth, fit and difference."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.base import grids
    from gliofit.growth import simulate
    from gliofit.inversion.fit_file import load_fits
    from gliofit.reporting.figures import ForwardCase, forward, worst_cases

    params = snakemake.params
    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(params.spacing)
    fits = {(fit.method, fit.case): fit for path in snakemake.input.fits for fit in load_fits(path)}
    runs, labels = [], []
    for method, worst in worst_cases(snakemake.input.metrics, params.methods, params.cases).iterrows():
        fit = fits[method, worst["case"]]
        truth, found = fit.true_theta, fit.theta
        reference = simulate(tissue, truth, threads=snakemake.threads)
        densities = [reference, fit.density_on(tissue, threads=snakemake.threads)]
        offset = tissue.crop_offset(tissue.centre_of_mass(densities[0]), params.shape)
        crops = [grids.take(density, offset, params.shape) for density in densities]
        runs.append(ForwardCase(tissue.crop(offset, params.shape), truth, *crops))
        labels.append(
            f"{params.titles[method]}\n$\\mu_D$ {truth.mu_D:.1f} → {found.mu_D:.1f}, "
            f"$\\mu_\\rho$ {truth.mu_rho:.1f} → {found.mu_rho:.1f}"
        )
    forward(Path(snakemake.output.png).with_suffix(""), runs, ("Truth", "Fit"), labels)
