"""
Observation models: what a scan shows of the cell density.

A target turns a density on the tissue grid into residuals, with derivatives, and into a scalar loss that every
inversion method minimises. Unknowns of the imaging itself (thresholds, PET scale and offset) are the target's
`extras`: named, bounded, and appended to the growth model's parameters.
"""
