"""Everything on one patient in one HTML file."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.base.files import read_json
    from gliofit.base.nifti import load_volume
    from gliofit.patients.prepared import load_prepared
    from gliofit.reporting.patient_page import MethodFit, Plans, write_page

    files, params = snakemake.input, snakemake.params
    patient = load_prepared(Path(files.prepared[0]).parent)
    each = zip(params.methods, files.densities, files.summaries, files.scores, strict=True)
    fits = {
        method: MethodFit(
            params.titles[method], read_json(summary), load_volume(density).data, read_json(scores)["scores"]
        )
        for method, density, summary, scores in each
    }
    standard, model = (load_volume(path).data > 0 for path in files.plans)
    plans = Plans(standard, model, read_json(files.standard_scores)["scores"], params.margin)
    write_page(
        snakemake.output[0],
        patient,
        fits,
        params.shown,
        plans=plans,
        deviation=load_volume(files.deviation[0]).data if files.deviation else None,
        preparation=files.preparation,
        notes=params.notes,
    )
