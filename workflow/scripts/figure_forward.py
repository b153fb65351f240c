"""Figure 1b: the surrogate's density beside the numerical solver's, on the first test cases."""

from pathlib import Path

from gliofit.workflow import job

with job(snakemake):
    import numpy as np
    import torch

    from gliofit import grids
    from gliofit.figures import ForwardCase, forward
    from gliofit.growth import simulate
    from gliofit.networks import load_surrogate
    from gliofit.theta import Theta
    from gliofit.tissue import Tissue
    from gliofit.workflow import read_json

    tissue = Tissue.from_nifti(*snakemake.input.tissue).working_grid(snakemake.params.spacing)
    surrogate = load_surrogate(snakemake.input.weights)
    cases = []
    for case in read_json(snakemake.input.cases)[: snakemake.params.number]:
        theta = Theta.from_dict(case["theta"])
        density = simulate(tissue, theta, threads=snakemake.threads)
        offset = tissue.crop_offset(tissue.centre_of_mass(density), surrogate.shape)
        crop = tissue.crop(offset, surrogate.shape)
        centre = crop.to_world((np.array(crop.shape) - 1) / 2)
        values = theta.to_array() - [*centre, 0, 0]
        with torch.inference_mode():
            predicted = surrogate(surrogate.prepare(crop), torch.tensor(values[None], dtype=torch.float32))[0].numpy()
        cases.append(ForwardCase(crop, theta, grids.take(density, offset, surrogate.shape), predicted))
    forward(Path(snakemake.output.png).with_suffix(""), cases)
