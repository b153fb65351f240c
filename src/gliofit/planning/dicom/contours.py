"""
Outlines of a mask along the edges of its voxels.

A contour through voxel centres loses half a voxel on each side (10 × 10 mm becomes 9 × 9). One along the edges encloses
the voxels' whole area, so that a reader that asks which voxel centres lie inside finds exactly the mask again.

A hole is joined to the outline around it by a channel of no width, the keyhole of PS3.3, C.8.8.6.3. Programs that take
each contour as filled read it right, and so do those that count crossings.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gliofit.base.arrays import Array

STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""Along an edge of a voxel; a voxel of the mask is always on the right-hand side, and +1 turns right."""

RIGHT_OF = ((0, 0), (0, -1), (-1, -1), (-1, 0))
"""The voxel on the right-hand side of an edge that leaves vertex (0, 0) along each of `STEPS`."""

Vertex = tuple[int, int]


def contours(mask: Array) -> list[Array]:
    """
    Closed outlines of a mask, one for each piece (voxels that share an edge), holes joined by keyholes.

    Parameters
    ----------
    mask : ndarray of bool [x, y]

    Returns
    -------
    list of ndarray (n, 2)
        Corners (x, y) in voxels, centres at whole numbers; the last is joined to the first. No corner lies on a
        straight line between its neighbours, except at the ends of a channel.
    """
    mask = np.asarray(mask, bool)
    if not mask.any():
        return []
    pieces, number = ndimage.label(mask)
    outer: dict[int, list[Vertex]] = {}
    holes: dict[int, list[list[Vertex]]] = {}
    for loop in _loops(mask):
        piece = int(pieces[_voxel(loop)])
        if _area(loop) > 0:
            outer[piece] = loop
        else:
            holes.setdefault(piece, []).append(loop)
    out = []
    for piece in range(1, number + 1):
        loop = _keyholed(outer[piece], holes.get(piece, []))
        out.append(np.array(_corners(loop), float) - 0.5)
    return out


def _loops(mask: Array) -> list[list[Vertex]]:
    """
    Closed walks along the mask's border, through every vertex on the way; the mask is on the right-hand side.

    Vertex (i, j) is the corner of voxel (i, j) that is nearest to the origin. Where two voxels touch by a corner alone,
    a walk turns right and so stays with its voxel.
    """
    padded = np.pad(mask, 1)
    edges: set[tuple[int, int, int]] = set()
    for direction, (step, right) in enumerate(zip(STEPS, RIGHT_OF, strict=True)):
        # the voxel on the left is the one on the right of the edge's way back
        back = RIGHT_OF[(direction + 2) % 4]
        left = (step[0] + back[0], step[1] + back[1])
        there = _shift(padded, right) & ~_shift(padded, left)
        edges.update((int(i), int(j), direction) for i, j in np.argwhere(there))
    loops = []
    for start in sorted(edges):
        if start not in edges:
            continue
        loop, edge = [], start
        while edge in edges:
            edges.remove(edge)
            i, j, direction = edge
            loop.append((i, j))
            i, j = i + STEPS[direction][0], j + STEPS[direction][1]
            turns = ((direction + 1) % 4, direction, (direction - 1) % 4)
            edge = next(((i, j, turn) for turn in turns if (i, j, turn) in edges), start)
        loops.append(loop)
    return loops


def _shift(padded: Array, by: Vertex) -> Array:
    """At vertex (i, j), whether voxel (i, j) + `by` is in the mask, padded by one voxel; all vertices."""
    rows, columns = padded.shape[0] - 1, padded.shape[1] - 1
    return padded[1 + by[0] : 1 + by[0] + rows, 1 + by[1] : 1 + by[1] + columns]


def _voxel(loop: list[Vertex]) -> Vertex:
    """A voxel of the mask beside a walk: the one on the right of its first edge."""
    (i, j), (m, n) = loop[0], loop[1]
    right = RIGHT_OF[STEPS.index((m - i, n - j))]
    return i + right[0], j + right[1]


def _area(loop: list[Vertex]) -> float:
    """Twice the enclosed area; positive around voxels of the mask, negative around a hole."""
    i, j = np.array(loop).T
    return float(np.sum(np.roll(i, -1) * j - i * np.roll(j, -1)))


def _keyholed(outer: list[Vertex], holes: list[list[Vertex]]) -> list[Vertex]:
    """
    One walk around a piece and its holes.

    From each hole's first corner a channel goes straight back along the second axis until it meets a border. Holes come
    in the order of these corners, so that what it meets is already part of the walk.
    """
    for hole in sorted(holes, key=lambda loop: min((j, i) for i, j in loop)):
        at = min(range(len(hole)), key=lambda n: hole[n][::-1])
        hole = hole[at:] + hole[:at]
        i, j = hole[0]
        places = {vertex: n for n, vertex in enumerate(outer)}
        while (i, j) not in places or (i, j) == hole[0]:
            j -= 1
        n = places[i, j]
        outer = [*outer[: n + 1], *hole, hole[0], *outer[n:]]
    return outer


def _corners(loop: list[Vertex]) -> list[Vertex]:
    """Without the vertices at which the walk goes straight on."""
    points = np.array(loop)
    come, go = points - np.roll(points, 1, 0), np.roll(points, -1, 0) - points
    straight = (np.sign(come) == np.sign(go)).all(1)
    return [vertex for vertex, on in zip(loop, straight, strict=True) if not on]
