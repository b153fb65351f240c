"""Everything on one patient in one HTML file."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.base.files import read_json
    from gliofit.base.nifti import load_volume
    from gliofit.evaluation.score_file import load_scores
    from gliofit.inversion.fit_file import load_fit
    from gliofit.patients.prepared import load_prepared
    from gliofit.reporting.patient_page import MethodFit, Plans, parts_by_focus, write_page

    files, params = snakemake.input, snakemake.params
    patient = load_prepared(Path(files.prepared[0]).parent)
    each = zip(params.methods, files.densities, files.summaries, files.scores, strict=True)
    fits = {
        method: MethodFit(
            params.titles[method], load_fit(summary), load_volume(density).data, load_scores(scores).scores
        )
        for method, density, summary, scores in each
    }
    standard, model = (load_volume(path).data > 0 for path in files.plans)
    shown = fits[params.shown]
    hanging = parts_by_focus(shown.fit, shown.density, model, patient)
    plans = Plans(standard, model, load_scores(files.standard_scores).scores, params.margin, hanging)
    told = [sentence for path in files.posterior for sentence in read_json(path)["words"]]
    told += [read_json(path)["words"] for path in files.by_probability]
    write_page(
        snakemake.output[0],
        patient,
        fits,
        params.shown,
        plans=plans,
        deviation=load_volume(files.deviation[0]).data if files.deviation else None,
        preparation=files.preparation,
        contours=files.contours[0] if files.contours else None,
        notes=params.notes,
        told=told,
    )
