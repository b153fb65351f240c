"""The rows of Ezhov 2021, Table I: the geometry-aware surrogate, and what it is without its parts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """
    A row of the table.

    Parameters
    ----------
    title : str
    architecture : str
        One of `gliofit.networks.grids.GEOMETRY_AWARE`.
    terms : str
        A key of `gliofit.training.losses.TERMS`.
    """

    title: str
    architecture: str = "ezhov"
    terms: str = "tumour+csf"

    @property
    def settings(self) -> dict[str, str]:
        """What the row sets of `GeometryAwareSettings`."""
        return {"architecture": self.architecture, "terms": self.terms}


ROWS = {
    "a": Row("(a) skips from encoder to decoder (U-Net)", architecture="ezhov_unet"),
    "b": Row("(b) CSF alone as input", architecture="ezhov_csf"),
    "c": Row("(c) loss over [tumour + CSF + brain + background]", terms="whole"),
    "d": Row("(d) loss over tumour + [CSF + brain + background]", terms="tumour+rest"),
    "e": Row("(e) loss over tumour + CSF + brain", terms="tumour+csf+brain"),
    "f": Row("(f) the paper's: loss over tumour + CSF"),
}
"""Square brackets: one term for all that is in them. (a) and (b) have the loss of (f), (c) to (e) its network."""

RELEASED, RELEASED_TITLE = "geometry_aware", "(f), trained for longer and released"
"""Name and title of the network that comes with the repository, beside those that the study trains."""
