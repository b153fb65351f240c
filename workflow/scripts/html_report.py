"""Tables, figures and patients in one HTML file."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.base.files import read_json
    from gliofit.reporting.run_report import Patient, write_report

    files, params, target = snakemake.input, snakemake.params, Path(snakemake.output[0])
    number, patients = len(params.methods), []
    for i, name in enumerate(params.patients):
        warnings = read_json(files.prepared[i])["warnings"]
        pictures = {
            "The atlas on the scan": files.preparations[i],
            f"{params.titles[params.shown]}: inferred cell density": files.pictures[i],
        }
        fits = files.fits[i * number : (i + 1) * number]
        page = Path(files.pages[i]).relative_to(target.parent)
        patients.append(Patient(name, fits, pictures, [*params.notes[i], *warnings], page.as_posix()))
    write_report(
        target,
        tables=dict(zip([*params.tables, *params.others], [*files.tables, *files.others], strict=True)),
        figures=dict(zip(params.figures, files.figures, strict=True)),
        patients=patients,
        config=files.config,
        cases=params.cases,
        titles=params.titles,
    )
