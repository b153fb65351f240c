"""GliODIL's Figure 2: its first synthetic patients, and errors over all of them."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.anatomy.tissue import Tissue
    from gliofit.base.nifti import load_volume
    from gliofit.evaluation.metrics import read_metrics
    from gliofit.reporting.figures.gliodil_patients import View, synthetic_patients
    from gliofit.synthetic.gliodil_patient import load_patient

    files, params = snakemake.input, snakemake.params
    tissue = Tissue.from_nifti(*files.tissue).working_grid(1.0)
    fits = [params.titles[fit] for fit in params.fits]
    views = []
    for i, (title, path) in enumerate(zip(("One focus", "Three foci"), files.patients, strict=True)):
        patient, truth = load_patient(Path(path).parent, tissue)
        own = files.densities[i * len(fits) : (i + 1) * len(fits)]
        found = {name: load_volume(path).data for name, path in zip(fits, own, strict=True)}
        views.append(View(title, patient, {"True density": truth, **found}))
    stem = Path(snakemake.output.png).with_suffix("")
    synthetic_patients(stem, views, read_metrics(files.metrics), params.titles)
