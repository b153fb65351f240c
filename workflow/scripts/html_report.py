"""Tables, figures and patients in one HTML file."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.base.files import read_json
    from gliofit.reporting.run_report import Patient, write_report

    files, params = snakemake.input, snakemake.params
    tables = {
        (int(name[0]), name[2:]) if "_" in name else int(name): path
        for name, path in zip(params.tables, files.tables, strict=True)
    }
    tables |= {Path(path).stem: path for path in files.others if path.endswith(".csv")}
    figures = {Path(path).stem.removeprefix("weidner_figure"): path for path in files.figures}
    figures |= {Path(path).stem: path for path in files.others if path.endswith(".png")}
    figures |= {Path(path).parent.name: path for path in files.losses}
    patients = []
    for name in params.patients:
        folder = Path("results") / name
        notes = read_json(folder / "prepared" / "prepared.json")["warnings"]
        if name.startswith("synthetic"):
            notes.insert(0, params.synthetic)
        pictures = {
            "The atlas on the scan": folder / "preparation.png",
            f"{params.titles[params.shown]}: inferred cell density": folder / f"{params.shown}.png",
        }
        fits = [folder / f"{method}.json" for method in params.methods]
        patients.append(Patient(name, fits, pictures, notes, f"{name}/page.html"))
    write_report(
        snakemake.output[0],
        tables=tables,
        figures=figures,
        patients=patients,
        config=files.config,
        cases=params.cases,
        titles=params.titles | params.other_titles,
    )
