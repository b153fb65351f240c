"""Our surrogate: a coarse run of the solver, corrected by a small U-Net."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gliofit.anatomy.tissue import Tissue
from gliofit.base.box import Box
from gliofit.base.errors import InputError
from gliofit.growth.autograd import simulate_torch
from gliofit.growth.fisher_kolmogorov import simulate
from gliofit.growth.theta import GROWTH, ORIGIN, Theta
from gliofit.networks.blocks import Conv3, Dense, FilmBlock, pack, unpack
from gliofit.networks.inputs import diffusivity_of, mask_of
from gliofit.networks.surrogate import Surrogate

FAINTEST = 1e-4
"""Added to c and to 1 − c in a logit, which then stays within ±9.2."""

FAINTEST_LOGIT = math.log(FAINTEST / (1 + FAINTEST))
"""Where c is 0."""

REACHED_LOGIT = math.log(2e-2)
"""Of the lowest density that is worth a correction."""

MARGIN = 3
"""Voxels about them that the correction is made in, too."""

FEWEST = 1e-3
"""Densities below have no slope that outlines see."""


class GlioFit(Surrogate):
    """
    A run of the solver on a coarser grid, corrected by a small U-Net.

    Four thirds of the spacing take a third of the time and have most of what a tumour does: where it begins, which way
    it grows and how far. Its derivatives are the solver's own (`simulate_torch`), the origin's included. The network
    adds a correction to the logit that is interpolated from the coarse run. It is fed with that logit, the diffusivity
    and the mask, voxels packed into channels of a grid half as fine, and with (μ_D, μ_ρ) by FiLM at every scale.

    Works on any crop whose sides are multiples of 8. Of several foci, θ [B, foci, 5] with one μ_D and μ_ρ, the coarse
    run begins with all seeds at once; the correction, a local matter, does not ask how many there were.

    Parameters
    ----------
    width : int
        Channels on the grid half as fine; three and six times as many at the two levels below.
    """

    embedding = 64
    several_foci = True

    def __init__(self, shape: Sequence[int], spacing: float, box: Box, width: int = 16):
        super().__init__(shape, spacing, box, width)
        if any(n % 8 for n in self.shape) or self.width % 4:
            raise InputError(f"the gliofit surrogate cannot work on crops of {self.shape} with width {self.width}")
        w, e = self.width, self.embedding
        widths = [w, 3 * w, 6 * w]
        self.embed = nn.Sequential(nn.Linear(2, e), nn.GELU(), nn.Linear(e, e), nn.GELU())
        self.stem = Conv3(3 * 8, w)
        self.down = nn.ModuleList(Dense(8 * a, b) for a, b in pairwise(widths))
        self.encoder = FilmBlock(widths[1], e)
        self.neck = FilmBlock(widths[2], e)
        self.up = nn.ModuleList(Dense(b, 8 * a) for a, b in pairwise(widths))
        self.merge = nn.ModuleList(Dense(2 * n, n) for n in widths[:2])
        self.decoder = nn.ModuleList(FilmBlock(n, e) for n in widths[:2])
        self.refine = Dense(w + 3 * 8, 4 * w)
        self.head = Dense(4 * w, 8)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self._last: _Ground | None = None

    def channels(self, maps: Tensor) -> Tensor:
        fields = diffusivity_of(maps), mask_of(maps)
        return torch.cat([maps[..., :2, :, :, :], *(f[..., None, :, :, :] for f in fields)], -4)

    def logits(self, static: Tensor, theta: Tensor) -> Tensor:
        theta = theta.to(static.dtype)
        return self._with_correction(static, self.coarse(static, theta), theta)

    def uncorrected(self, static: Tensor, theta: Tensor) -> Tensor:
        """Density [B, x, y, z] by the coarse run alone; static [C, x, y, z]."""
        static = static[None].expand(len(theta), *static.shape)
        return torch.sigmoid(self.coarse(static, theta.to(static.dtype))) * static[:, -1]

    def _with_correction(self, static: Tensor, base: Tensor, theta: Tensor) -> Tensor:
        box = self.reached(base)
        corrected = base.clone()
        corrected[box] = self._corrected(static[(slice(None), *box)], base[box], theta)
        return corrected

    @staticmethod
    @torch.no_grad()
    def reached(base: Tensor) -> tuple[slice, ...]:
        """
        The part of [B, x, y, z] where there are cells by the coarse run's logit, and a margin: nothing else changes.

        Its faces lie between the network's coarsest voxels. Tumours fill a part of the crop, and the correction is a
        local matter, learned on windows. One box serves a batch; where its faces are changes densities by 0.01 at most.
        """
        return (slice(None), *_about((base > REACHED_LOGIT).any(0), 8))

    def window(self, static: Tensor, theta: Tensor, corners: Tensor, edge: int) -> Tensor:
        """
        Density [B, edge, edge, edge] in windows of the crop, for training.

        Parameters
        ----------
        static, theta
            As for `forward`.
        corners : Tensor [B, 3]
            First voxel of each window; even.
        edge : int
            Voxels; a multiple of 8.
        """
        theta = theta.to(static.dtype)
        inside, base = (cut(fields, corners, edge) for fields in (static, self.coarse(static, theta)))
        return torch.sigmoid(self._corrected(inside, base, theta)) * inside[:, -1]

    def _corrected(self, static: Tensor, base: Tensor, theta: Tensor) -> Tensor:
        """The logit [B, x, y, z] from that of the coarse run (alike)."""
        growth = theta[:, GROWTH] if theta.ndim == 2 else theta[:, 0, GROWTH]
        film = self.embed((growth - self.low[GROWTH]) / self.range[GROWTH])
        fine = pack(torch.cat([static[:, 2:], base[:, None] / 4], 1), 2)
        x = F.gelu(self.stem(fine))
        skips = [x, self.encoder(self.down[0](pack(x, 2)), film)]
        x = self.neck(self.down[1](pack(skips[1], 2)), film)
        for level in (1, 0):
            x = self.merge[level](torch.cat([unpack(self.up[level](x), 2), skips[level]], 1))
            x = self.decoder[level](x, film)
        x = F.gelu(self.refine(torch.cat([x, fine], 1)))
        return base + unpack(self.head(x), 2).to(base.dtype)[:, 0]

    def coarse(self, static: Tensor, theta: Tensor) -> Tensor:
        """
        Logit [B, x, y, z] of the solver's density at four thirds of the spacing.

        Fronts that a grid does not resolve travel too fast on it. On a lattice of spacing h, a front's speed is the
        minimum over k of (ρ + 2D·(cosh kh − 1)/h²)/k; asking for the same speed on both grids gives D a factor, whose
        power 0.7 suits curved fronts in real tissue best. With x = μ_D/(μ_ρ·h), h of the finer grid, that is
        1/(1 + 0.104/(x² + 1.6·x)), to 0.012. MSE over 24 SRI24 tumours: without it 5.5e-4, with it 2.5e-4.
        """
        ground = self._ground(static)
        foci = theta[:, None] if theta.ndim == 2 else theta
        theta = torch.cat([foci[:, :, ORIGIN].flatten(1), self._slowed(foci[:, 0, GROWTH])], 1)
        kind = np.float64 if static.dtype == torch.float64 else np.float32
        densities = []
        for tissue, values in zip(ground.tissues, theta, strict=True):
            densities.append(simulate_torch(tissue, values, dtype=kind, threads=1))
        return self._refined(torch.stack(densities).to(static.dtype), ground)

    def _slowed(self, growth: Tensor) -> Tensor:
        """(μ_D, μ_ρ) [B, 2] of the coarse run."""
        mu_D, mu_rho = growth.unbind(1)
        resolved = mu_D / (mu_rho * self.spacing)
        return torch.stack([mu_D * torch.rsqrt(1 + 0.104 / (resolved * (resolved + 1.6))), mu_rho], 1)

    def _refined(self, density: Tensor, ground: _Ground) -> Tensor:
        """Logit [B, x, y, z] of a density on the coarse grid, interpolated from tissue voxels alone where there are."""
        logit = torch.log((density + FAINTEST) / (1 - density + FAINTEST))
        above = (logit - FAINTEST_LOGIT)[:, None] * ground.mask
        value = F.interpolate(above, self.shape, mode="trilinear")[:, 0]
        return FAINTEST_LOGIT + value / (ground.weight + 1e-3)

    @torch.no_grad()
    def with_jacobian(self, static: Tensor, theta: Tensor, *, corrected: bool = True) -> tuple[Tensor, Tensor]:
        """
        Density, and its Jacobian by the coarse run's tangents, for Gauss–Newton.

        The correction is taken as it is: its own derivatives would cost more than all the rest.

        Parameters
        ----------
        static : Tensor [C, x, y, z]
        theta : Tensor [foci, 5]
            With one μ_D and μ_ρ.
        corrected : bool
            False: by the coarse run alone.

        Returns
        -------
        density : Tensor [x, y, z]
        jacobian : Tensor [3·foci + 2, x, y, z]
            By the origins, μ_D and μ_ρ; 0 where there are few cells.
        """
        theta, static = theta.to(static.dtype), static[None]
        ground, growth = self._ground(static), theta[:1, GROWTH]
        first, *further = theta[:, ORIGIN].double().tolist()
        run = Theta(tuple(first), *self._slowed(growth)[0].double().tolist())
        found = simulate(ground.tissues[0], run, jacobian=True, further=further, threads=1)
        coarse = torch.from_numpy(found[0]).to(static)
        base = self._refined(coarse[None], ground)
        logit = self._with_correction(static, base, theta[None]) if corrected else base
        density = (torch.sigmoid(logit) * static[:, -1])[0]
        with torch.enable_grad():
            by_growth = torch.autograd.functional.jacobian(lambda g: self._slowed(g)[0], growth)[:, 0]

        box = _about(coarse > FEWEST, 3)
        fine = tuple(slice(side.start // 3 * 4, side.stop // 3 * 4) for side in box)
        slopes = torch.from_numpy(np.ascontiguousarray(found[1][(slice(None), *box)])).to(static)
        slopes[-2:] = torch.tensordot(by_growth, slopes[-2:], ([0], [0]))
        seen = coarse[box]
        slopes *= (1 / (seen + FAINTEST) + 1 / (1 - seen + FAINTEST)) * ground.mask[0, 0][box]
        by_logit = density * (1 - density) / (ground.weight[0] + 1e-3)
        jacobian = static.new_zeros((len(slopes), *self.shape))
        size = [side.stop - side.start for side in fine]
        jacobian[(slice(None), *fine)] = F.interpolate(slopes[None], size, mode="trilinear")[0] * by_logit[fine]
        return density, jacobian

    def _ground(self, static: Tensor) -> _Ground:
        """What the coarse run reads of an anatomy; of the last one, as searches ask for one anatomy over and over."""
        if self._last is not None and self._last.of(static):
            return self._last
        ground = _Ground(static, self.spacing * 4 / 3, self.shape)
        self._last = None if self.training else ground  # training never asks twice
        return ground


class _Ground:
    """
    An anatomy at four thirds of the spacing.

    Parameters
    ----------
    static : Tensor [B, C, x, y, z]
    step : float
        mm.
    shape : tuple of int
        That densities go back to.

    Attributes
    ----------
    tissues : list of Tissue
    mask : Tensor [B, 1, ¾x, ¾y, ¾z]
    weight : Tensor [B, x, y, z]
        The mask, interpolated to `shape`.
    """

    @torch.no_grad()
    def __init__(self, static: Tensor, step: float, shape: tuple[int, ...]):
        self._static, self._version = static, _version(static)  # kept, so that no other tensor gets its memory
        with torch.autocast(static.device.type, enabled=False):
            maps = static[:, :2]
            for axis in (2, 3, 4):
                shares = _shares(maps.shape[axis]).to(maps)
                maps = torch.tensordot(maps, shares, ([axis], [1])).movedim(-1, axis)
            self.mask = mask_of(maps)[:, None]
        affine = np.diag([step, step, step, 1.0])
        affine[:3, 3] = [-(n - 1) / 2 * step for n in maps.shape[2:]]  # the crop's centre is at 0
        self.tissues = [Tissue(wm, gm, np.zeros_like(wm), affine) for wm, gm in maps.cpu().numpy()]
        self.weight = F.interpolate(self.mask, shape, mode="trilinear")[:, 0]

    def of(self, static: Tensor) -> bool:
        """Whether it is of this tensor, or of another view of the same numbers, unchanged since."""
        known = self._version is not None and _version(static) == self._version
        same = known and static.data_ptr() == self._static.data_ptr()
        return same and all(getattr(static, name)() == getattr(self._static, name)() for name in ("size", "stride"))


def _about(cells: Tensor, unit: int) -> tuple[slice, ...]:
    """The box about the true voxels of [x, y, z] with a margin of `MARGIN`, its faces at multiples of `unit`."""
    box = []
    for axis, n in enumerate(cells.shape):
        places = cells.movedim(axis, 0).flatten(1).any(1).nonzero()
        low, high = (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)
        box.append(slice(max(low - MARGIN, 0) // unit * unit, min(-(-(high + MARGIN) // unit) * unit, n)))
    return tuple(box)


def _version(tensor: Tensor) -> int | None:
    """Counts changes of a tensor; None where PyTorch does not, in inference mode."""
    return None if tensor.is_inference() else tensor._version


def _shares(voxels: int) -> Tensor:
    """Share of each voxel of a row in the means over voxels four thirds as long, [¾·voxels, voxels]."""
    thirds = torch.eye(voxels).repeat_interleave(3, 1)
    return thirds.reshape(voxels, -1, 4).mean(2).T


def cut(fields: Tensor, corners: Tensor, edge: int) -> Tensor:
    """A window [B, …, edge, edge, edge] of each sample of fields [B, …, x, y, z], from its corner [B, 3] on."""
    windows = [
        f[(..., *(slice(k, k + edge) for k in corner))] for f, corner in zip(fields, corners.tolist(), strict=True)
    ]
    return torch.stack(windows)
