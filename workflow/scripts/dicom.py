"""Plans and densities in DICOM, on the scanner's series or on one made from the NIfTI."""

from pathlib import Path

from gliofit.pipeline.jobs import job

with job(snakemake):
    from gliofit.base.files import write_json
    from gliofit.base.nifti import load_volume
    from gliofit.patients.prepared import load_prepared
    from gliofit.planning.dicom.folder import write_folder
    from gliofit.planning.dicom.structures import structures

    files, params, output = snakemake.input, snakemake.params, snakemake.output
    folder = Path(output.folder)
    patient = load_prepared(Path(files.prepared[0]).parent)
    found = structures(folder.parent, params.methods, params.levels, params.margin)
    densities = {method: load_volume(path).data for method, path in zip(params.methods, files.densities, strict=True)}
    write_json(output.about, write_folder(folder, patient, found, densities))
