"""
CPU kernels of the Fisher–Kolmogorov scheme (numba).

Fields, the density and, if asked for, its tangents, are rows of an array; each is flat, z contiguous, padded by a voxel
on every side and along z to a multiple of LANES. The diffusivity d is −1e9 outside tissue, so that max(0, d_i + d_j)
is twice the arithmetic mean of two tissue voxels and exactly zero across any other face: no flux leaves the tissue,
and no mask is read.

A step of s stages is one sweep over the x planes in which stage j works on the plane behind stage j − 1, so that a
plane stays in the cache for all stages (two buffers suffice: a stage overwrites the values of two stages before).
The same skew cuts y into tiles, small enough for the planes in flight to fit into a core's own cache: each stage of
a tile is one row behind the last, and takes over the two rows that the tile before left there. The buffers have
`ring` rows a plane, and a row y takes the place of row y − ring, which no stage needs any more: so they are small
enough to stay in the cache that all cores share. Only rows (x, y), and of them only the stretch of z, with tumour
nearby are visited; all else is zero.

Threads take a slab of planes each, and work through its tiles of y. Near its inner ends a slab stops one plane earlier
per stage: it needs nothing that another thread computes, but leaves wedges open. A part closes the wedge between it
and the part before it, tile by tile, as soon as both have come so far; the part before may be `lag` tiles ahead, as
many as the ring has places for. So a thread waits only for its neighbours, and seldom; for all of them once a step.

`reference.py` has a step in a few lines of numpy, without all this.
"""

from __future__ import annotations

from typing import NamedTuple

from numba import uintp

from gliofit.growth.cpu.compiled import kernel
from gliofit.growth.cpu.crew import HEADER, await_call, call, enlist, members, raise_mark, wait
from gliofit.growth.cpu.llvm_rows import LANES, finish_row, stage_row
from gliofit.growth.cpu.region import EMPTY, PARTS, ROWS, Y_BEGIN, Y_END, cut, grow


class Planes(NamedTuple):
    """Planes of x of the first stage, left … right − 1, and by how much both ends move from stage to stage."""

    left: int
    right: int
    move_left: int
    move_right: int


@kernel
def _first_above(c, low, high, floor):
    """First voxel of low … high in which c exceeds `floor`, `high` if there is none."""
    while low < high and c[low] <= floor:
        low += 1
    return low


@kernel
def _stop_above(c, low, high, floor):
    """One past the last such voxel, `low` if there is none."""
    while high > low and c[high - 1] <= floor:
        high -= 1
    return high


@kernel
def _slot(y, turn, ring):
    """Place of row y in a plane of a buffer; `turn` is a multiple of `ring` that is less than two rings before y."""
    slot = y - turn
    return slot - ring if slot >= ring else slot


@kernel
def _place(x, slot, ring, sy):
    """Offset of row (x, y) in a buffer."""
    return (x * ring + slot) * sy


@kernel
def _along_y(slot, ring, sy):
    """Steps in a buffer from row y to rows y + 1 and y − 1."""
    return sy if slot < ring - 1 else sy - ring * sy, -sy if slot > 0 else ring * sy - sy


@kernel
def _clear(fields, buffer, begin, stop):
    for k in range(len(fields)):
        for n in range(uintp(begin), uintp(stop)):
            buffer[k, n] = 0


@kernel
def _vacate(fields, a, b, used, x, y_low, y_high, region, sy):
    """Zero in the buffers what other rows left in the places of rows y_low … y_high, around these rows' stretches."""
    ring = used.shape[1]
    turn = y_low - y_low % ring
    for y in range(y_low, y_high):
        slot = _slot(y, turn, ring)
        mine, r = used[x, slot], region.at[x, y]
        before, after = mine[0], mine[1]
        begin, stop = (region.low[r], region.high[r]) if region.at[x, y + 1] > r else (after, after)
        mine[0], mine[1] = begin, stop
        if before < begin or after > stop:
            place = _place(x, slot, ring, sy)
            for buffer in (a, b):
                _clear(fields, buffer, place + before, place + min(begin, after))
                _clear(fields, buffer, place + max(stop, before), place + after)


@kernel
def _empty(fields, buffers, x, sy):
    """Zero in the buffers what is left of a plane that a step does not visit, but reads at its border."""
    used, ring = buffers.used, buffers.used.shape[1]
    for slot in range(ring):
        begin, stop = used[x, slot, 0], used[x, slot, 1]
        if stop > begin:
            place = _place(x, slot, ring, sy)
            for buffer in (buffers.odd, buffers.even):
                _clear(fields, buffer, place + begin, place + stop)
            used[x, slot, 0], used[x, slot, 1] = 0, 0


@kernel
def _tile(fields, y, buffers, grid, region, steps, step, planes, y_from):
    """
    All stages of a step in some planes and in the tile of y that begins, in the first stage, at `y_from`.

    The step is y ← logistic(α·y + β·P_{s−1} y + γ·P_s y), and likewise for its tangents.
    """
    a, b, used, tile = buffers
    d, w, sx, sy = grid
    base, low, high, row_y, at = region.base, region.low, region.high, region.y, region.at
    first_x, stop_x = region.slab[0], region.slab[region.extent[PARTS]]
    y_begin, y_end = region.extent[Y_BEGIN], region.extent[Y_END]
    ny, ring, s = at.shape[1] - 1, used.shape[1], steps.stages[step]
    c1, c2, own, gain, floor = steps.c1, steps.c2, steps.own[step], steps.gain[step], steps.floor[step]
    mix = steps.weights[step, 0], steps.weights[step, 1], steps.weights[step, 2]
    across = ring * sy
    for front in range(planes.left, planes.right + (planes.move_right + 1) * (s - 1)):
        for j in range(1, s + 1):
            x = front - (j - 1)
            if x < max(planes.left + planes.move_left * (j - 1), first_x):
                continue
            if x >= min(planes.right + planes.move_right * (j - 1), stop_x):
                continue
            q = y if j == 1 else (a if j % 2 == 0 else b)
            before = y if j <= 2 else (a if j % 2 == 1 else b)
            out = a if j % 2 == 1 else b
            y_low, y_high = y_from - (j - 1), y_from - (j - 1) + tile
            # Every other step begins with the last tile: where the step before it ended, more of y is in the cache.
            if step % 2 == 1:
                y_low, y_high = y_begin + y_end - y_high, y_begin + y_end - y_low
            y_low, y_high = min(max(y_low, 0), ny), min(max(y_high, 0), ny)
            if j == 1:
                _vacate(fields, a, b, used, x, y_low, y_high, region, sy)
            turn = y_low - y_low % ring
            for r in range(at[x, y_low], at[x, y_high]):
                first, blocks = base[r] + low[r], (high[r] - low[r]) // LANES
                slot = _slot(row_y[r], turn, ring)
                here = _place(x, slot, ring, sy) - base[r]
                above, below = _along_y(slot, ring, sy)
                to = (sx, -sx, sy, -sy) if j == 1 else (across, -across, above, below)
                offsets = (0 if j == 1 else here, 0 if j <= 2 else here, here)
                if j < s:
                    stage_row(fields, q, before, out, d, offsets, to, first, blocks, sx, sy, w, c1[j], c2[j])
                    continue
                finish_row(fields, q, before, y, d, offsets, to, first, blocks, sx, sy, w, c1[j], c2[j],
                           mix, own, gain)  # fmt: skip
                c = y[0, base[r] : base[r] + high[r]]
                begin, stop = _first_above(c, low[r], high[r], floor), _stop_above(c, low[r], high[r], floor)
                empty = begin == high[r]
                region.support_low[x, row_y[r]] = EMPTY if empty else begin
                region.support_high[x, row_y[r]] = -1 if empty else stop


@kernel
def _open(part):
    """Mark that says how many tiles of a slab are done, wedges aside."""
    return HEADER + 2 * part


@kernel
def _closed(part):
    """Mark that says in how many tiles the wedge before a slab is closed."""
    return HEADER + 2 * part + 1


@kernel
def _count(step, tiles):
    """Value of these marks; it only grows, from tile to tile and from step to step."""
    return (step << 32) + tiles


@kernel
def _sweep(crew, part, fields, y, buffers, grid, region, steps, step):
    """A part's share of a step."""
    parts, s, ring, tile = region.extent[PARTS], steps.stages[step], buffers.used.shape[1], buffers.tile
    left, right = region.slab[part], region.slab[part + 1]
    slab = Planes(left, right, 1 if part > 0 else 0, -1 if part < parts - 1 else 0)
    begin, end = region.extent[Y_BEGIN] - 1, region.extent[Y_END] + s - 1
    tiles = (end - begin + tile - 1) // tile
    lag = tiles if ring == region.at.shape[1] else (ring - s) // tile - 1
    if part == 0:
        _empty(fields, buffers, left - 1, grid.sy)
    if part == parts - 1:
        _empty(fields, buffers, right, grid.sy)
    for n in range(tiles):  # the first from the row before, whose place others may have used
        y_from = begin + n * tile
        if part < parts - 1 and n > lag:
            wait(crew, _closed(part + 1), _count(step, n - lag))
        _tile(fields, y, buffers, grid, region, steps, step, slab, y_from)
        if parts > 1:
            raise_mark(crew, _open(part), _count(step, n + 1))
        if part > 0:
            wait(crew, _open(part - 1), _count(step, n + 1))
            _tile(fields, y, buffers, grid, region, steps, step, Planes(left, left, -1, 1), y_from)
            raise_mark(crew, _closed(part), _count(step, n + 1))


@kernel
def _lengthen(crew, part, y, region, factor, step):
    """
    Begin the last tangent in a slab: factor·c·(1 − c), the derivative of a logistic flow by its length.

    Neighbours are waited for, as the first stage reads a plane of theirs.
    """
    c, tangent = y[0], y[y.shape[0] - 1]
    for x in range(region.slab[part], region.slab[part + 1]):
        for r in range(region.at[x, 0], region.at[x, region.at.shape[1] - 1]):
            for n in range(uintp(region.base[r] + region.low[r]), uintp(region.base[r] + region.high[r])):
                tangent[n] = factor * c[n] * (1 - c[n])
    raise_mark(crew, _open(part), _count(step, 0))
    if part > 0:
        wait(crew, _open(part - 1), _count(step, 0))
    if part < region.extent[PARTS] - 1:
        wait(crew, _open(part + 1), _count(step, 0))


@kernel
def advance(crew, caller, fields, all_fields, y, buffers, grid, region, steps, work):
    """
    All steps of a run, as one of its threads does them.

    Parameters
    ----------
    crew : Crew
    caller : bool
        Whether this is the thread that lays out each step, or a helper.
    fields, all_fields : tuple
        As long as there are fields in all steps but the last, and in the last. The last of `all_fields`, if it is one
        more, is the tangent by the time scale.
    y : ndarray [fields, n]
        The density and its tangents; advanced in place.
    buffers : Buffers
    grid : Grid
    region : Region
    steps : Steps
    work : int64 ndarray [n]
        Receives the voxels that the stages of each step visit.
    """
    last = steps.stages.size - 1
    member, step = enlist(crew, caller), -1
    while step < last:
        step += 1
        if caller:
            grow(region, steps.reach[step])
            work[step] = region.voxels.sum() * steps.stages[step]
            cut(region, members(crew), steps.stages[step])
            call(crew, step, region.extent[PARTS])
        else:
            step = await_call(crew, member, step)
            if step < 0:
                return
        parts = region.extent[PARTS]
        if member < parts and region.extent[ROWS] > 0:
            if step < last or len(fields) == len(all_fields):
                _sweep(crew, member, fields, y, buffers, grid, region, steps, step)
            else:
                _lengthen(crew, member, y, region, steps.lengthening, step)
                _sweep(crew, member, all_fields, y, buffers, grid, region, steps, step)
        if caller:
            for part in range(1, parts):
                wait(crew, _closed(part), _count(step + 1, 0))
        else:
            raise_mark(crew, _closed(member), _count(step + 1, 0))
