"""Per-case scores of the geometry-aware surrogates, and of the methods' one, on the same tumours."""

from gliofit.pipeline.jobs import job

with job(snakemake):
    import pandas as pd

    from gliofit.base.files import write_text
    from gliofit.base.threads import torch_threads
    from gliofit.evaluation.geometry_aware_scores import forward_surrogate, geometry_aware, scores
    from gliofit.networks import load_geometry_aware, load_surrogate
    from gliofit.synthetic.physical_shards import PhysicalDataset

    params, files = snakemake.params, snakemake.input
    models = {
        name: forward_surrogate(load_surrogate(path))
        if name == "surrogate"
        else geometry_aware(load_geometry_aware(path))
        for name, path in zip(params.methods, files.weights, strict=True)
    }
    tables = []
    with torch_threads(snakemake.threads):
        for path, (split, ratio, head) in zip(files.samples, params.tumours, strict=True):
            names = params.unseen if split == "unseen" else [n for n, own in params.methods.items() if own == ratio]
            own = {name: models[name] for name in names}
            tables.append(scores(PhysicalDataset([path]), own, split, f"{ratio:g}/{head}"))
    write_text(snakemake.output[0], pd.concat(tables).to_csv(index=False))
