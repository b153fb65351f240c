"""A head of an adult's size with a tumour, and the many ways in which its files can be other than they should."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

SROW = 280
"""Byte of a NIfTI-1 header where the sform's rows begin."""

SPACING = 3.0
SHAPE = (56, 68, 56)
RADII = np.array([68.0, 85.0, 66.0])
"""Of the brain, an ellipsoid, mm."""

TUMOUR = np.array([-36.0, 26.0, 8.0])
"""Centre, mm: at the patient's left."""

AFFINE = np.diag([-SPACING, -SPACING, SPACING, 1.0])
AFFINE[:3, 3] = [82.5, 100.5, -82.5]


def _world() -> np.ndarray:
    return np.moveaxis(nib.affines.apply_affine(AFFINE, np.moveaxis(np.indices(SHAPE), 0, -1)), -1, 0)


WORLD = _world()
DEPTH = np.sqrt(((WORLD / RADII[:, None, None, None]) ** 2).sum(0))
BRAIN = DEPTH < 1
AWAY = np.sqrt(((WORLD - TUMOUR[:, None, None, None]) ** 2).sum(0))
SEG = np.where(BRAIN, np.select([AWAY < 8, AWAY < 15, AWAY < 23], [1, 3, 2], 0), 0).astype(np.uint8)
VENTRICLE = (np.abs(WORLD[0]) < 12) & (np.abs(WORLD[1] - 5) < 30) & (np.abs(WORLD[2] - 8) < 12)
CSF = (BRAIN & (DEPTH > 0.96)) | (VENTRICLE & (SEG == 0))
GM = BRAIN & (DEPTH > 0.86) & ~CSF
WM = BRAIN & ~GM & ~CSF
TEXTURE = 1 + 0.03 * np.random.default_rng(0).standard_normal(SHAPE)

T1 = (np.select([WM, GM, CSF], [700, 480, 150], 0) * TEXTURE * np.where(SEG > 0, 0.8, 1)).astype(np.float32)
T1C = np.where(SEG == 3, 1300, T1).astype(np.float32)
FLAIR = (np.select([WM, GM, CSF], [400, 470, 90], 0) * TEXTURE * np.where(SEG == 2, 1.8, 1)).astype(np.float32)
SCANS = {"t1n": T1, "t1c": T1C, "t2f": FLAIR}
MAPS = {"wm": WM.astype(np.float32), "gm": GM.astype(np.float32), "csf": CSF.astype(np.float32)}


def image(data: np.ndarray, affine: np.ndarray = AFFINE) -> nib.Nifti1Image:
    return nib.Nifti1Image(data, affine)


def renamed(*numbers: int) -> np.ndarray:
    """The segmentation with other numbers for background, necrosis, edema and enhancing tumour."""
    return np.array(numbers, np.uint8)[SEG]


def all_of(change: Callable, affine: np.ndarray = AFFINE) -> dict:
    """Every scan and the segmentation, changed alike, under an affine."""
    return {name: image(change(data), affine) for name, data in (SCANS | {"seg": SEG}).items()}


def tilted(decimals: int) -> np.ndarray:
    """An oblique affine whose cosines a tool has rounded."""
    x, y, z = np.deg2rad([11.0, -7.0, 5.0])
    turn = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    turn = turn @ np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    turn = turn @ np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    affine = AFFINE.copy()
    affine[:3, :3] = np.round(turn, decimals) @ AFFINE[:3, :3]
    return affine


def with_header(change: Callable, data: np.ndarray = T1, affine: np.ndarray = AFFINE) -> nib.Nifti1Image:
    made = image(data, affine)
    change(made)
    return made


def no_codes(made: nib.Nifti1Image) -> None:
    made.set_sform(None, 0)
    made.set_qform(None, 0)


def broken_sform(value: float) -> Callable:
    """An sform whose rows are all `value`; nibabel itself writes none, see `Input.write`."""

    def change(made):
        made.rows = value

    return change


def head_with_skull(scalp: float = 800.0, background: float = 0.0) -> np.ndarray:
    """Scalp, bone and fluid around the brain."""
    outer = np.sqrt(((WORLD / (RADII + 14)[:, None, None, None]) ** 2).sum(0))
    bone = np.sqrt(((WORLD / (RADII + 8)[:, None, None, None]) ** 2).sum(0))
    return (np.select([BRAIN, bone < 1, outer < 1], [T1, 90, scalp], 0) + background).astype(np.float32)


def cut(direction: tuple[float, float, float]) -> np.ndarray:
    """Where a field of view still shows the head, that ends in a plane through the tumour."""
    normal = np.array(direction) / np.linalg.norm(direction)
    return np.tensordot(normal, WORLD - TUMOUR[:, None, None, None], 1) < 4


def put(data: np.ndarray, voxel: tuple[int, int, int], value: int) -> np.ndarray:
    changed = data.copy()
    changed[voxel] = value
    return changed


def whole_head(**files) -> dict:
    return SCANS | {"seg": SEG} | files


def no_scans(**files) -> dict:
    return {"seg": SEG} | files


def in_view(keep: np.ndarray) -> dict:
    return {name: np.where(keep, data, 0).astype(data.dtype) for name, data in whole_head().items()}


@dataclass(frozen=True)
class Input:
    """
    A member of a kind of faults.

    Parameters
    ----------
    kind, name : str
    files : dict of stem → ndarray or image
    outcome : "right", "warning" or "error"
    says : str
        Regular expression of the sentence.
    labels : str
        What the user says the numbers mean.
    """

    kind: str
    name: str
    files: dict
    outcome: str
    says: str = ""
    labels: str = ""

    def write(self, folder: Path) -> Path:
        """The case in a folder of its own below `folder`."""
        place = folder / re.sub(r"\W+", "_", self.name)
        place.mkdir(parents=True)
        for stem, data in self.files.items():
            made = data if isinstance(data, nib.Nifti1Image) else image(data)
            path = place / f"{stem}.nii.gz"
            nib.save(made, path)
            if hasattr(made, "rows"):
                content = bytearray(gzip.decompress(path.read_bytes()))
                content[SROW : SROW + 48] = np.full(12, made.rows, "<f4").tobytes()
                path.write_bytes(gzip.compress(bytes(content)))
        return place


CAVITY = np.where(AWAY < 11, 4, SEG) * (SEG > 0)
FLUID = {name: np.where(CAVITY == 4, 120, data).astype(np.float32) for name, data in SCANS.items()}
PET = ((BRAIN + 2.0 * (SEG == 3)) * TEXTURE).astype(np.float32)
RECURRENCE = np.where(BRAIN, np.select([AWAY < 12, AWAY < 25], [3, 2], 0), 0).astype(np.uint8)
Z = {name: np.where(BRAIN, (d - d[BRAIN].mean()) / d[BRAIN].std(), 0).astype(np.float32) for name, d in SCANS.items()}
LEFT_LOST = np.diag([SPACING, SPACING, SPACING, 1.0])

INVERTED = np.where(BRAIN, 900 - T1, 0).astype(np.float32)
T2 = (np.select([WM, GM, CSF], [300, 420, 1100], 0) * TEXTURE * np.where(SEG > 0, 2, 1)).astype(np.float32)
FLAIR_IS_NONE = r"\A\w+/t2f.nii.gz: shows edema [^\n]*are the two exchanged[^\n]*\Z"
INFARCT = BRAIN & (np.abs(WORLD[0] - 40) < 12) & (WORLD[1] < -20)
LOPSIDED = [np.where(INFARCT, 200, data).astype(np.float32) for data in (T1, T1C)]
"""T1 and T1c of a head with an old infarct at the right."""

INPUTS = (
    Input("as it should be", "good", whole_head(), "right"),
    Input("as it should be", "own maps", whole_head(**MAPS), "right"),
    Input("as it should be", "oblique", all_of(lambda a: a, tilted(7)), "right"),
    # what the numbers of a segmentation mean
    Input("labels", "cavity of 2024", FLUID | {"seg": CAVITY.astype(np.uint8)}, "error", "labels 3 and 4.*'brats2024'"),
    Input("labels", "cavity of 2024, said", FLUID | {"seg": CAVITY.astype(np.uint8)}, "right", "", "brats2024"),
    Input(
        "labels",
        "cavity spelled out",
        FLUID | {"seg": CAVITY.astype(np.uint8)},
        "right",
        "",
        "core=1,edema=2,core=3,cavity=4",
    ),
    Input(
        "labels", "a 4 without a 1", whole_head(seg=renamed(0, 4, 2, 4)), "error", "cannot be told apart; say labels"
    ),
    Input("labels", "a 4 beside a 1", whole_head(seg=renamed(0, 1, 2, 4)), "warning", "label 4 is taken as enhancing"),
    Input("labels", "a 4 beside a 1, said", whole_head(seg=renamed(0, 1, 2, 4)), "right", "", "brats2021"),
    Input(
        "labels",
        "a dark 4 beside a 1",
        whole_head(seg=renamed(0, 1, 2, 4), t1c=np.where(SEG == 3, 130, T1C).astype(np.float32)),
        "error",
        "label 4 is as dark as fluid on t1c.nii.gz",
    ),
    Input("labels", "pediatric", whole_head(seg=renamed(0, 2, 4, 1)), "warning", "edema makes only 0%.*'brats_ped'"),
    Input("labels", "pediatric, said", whole_head(seg=renamed(0, 2, 4, 1)), "right", "", "brats_ped"),
    Input("labels", "decathlon", whole_head(seg=renamed(0, 2, 1, 3)), "warning", "could be labels 'nnunet_task01'"),
    Input("labels", "two labels, edema first", whole_head(seg=renamed(0, 2, 1, 2)), "warning", "'hd_glio' or 'nnunet"),
    Input("labels", "two labels, spelled out", whole_head(seg=renamed(0, 2, 1, 2)), "right", "", "edema=1,core=2"),
    Input(
        "labels",
        "a mask of the whole",
        whole_head(seg=(SEG > 0).astype(np.uint8)),
        "warning",
        "belongs in the column 'whole'",
    ),
    Input(
        "labels",
        "edema alone",
        whole_head(seg=np.where(SEG > 0, 2, 0).astype(np.uint8)),
        "warning",
        "has no tumour core",
    ),
    Input(
        "labels",
        "a number too many",
        whole_head(seg=renamed(0, 1, 2, 9)),
        "error",
        "unknown label 9; labels 'brats' has 0, 1, 2, 3, 4",
    ),
    Input(
        "labels",
        "a voxel far away",
        whole_head(seg=put(SEG, (36, 45, 28), 3)),
        "warning",
        "1 voxel of tumour core lies 48 mm away from the rest, at voxel .36, 45, 28.: a slip of the brush",
    ),
    Input("labels", "a voxel in the air", whole_head(seg=put(SEG, (0, 0, 0), 2)), "warning", "1 voxel of tumour lies"),
    Input("labels", "a piece nearby", whole_head(seg=put(SEG, (36, 25, 28), 3)), "right"),
    Input(
        "labels",
        "necrosis left out",
        whole_head(seg=renamed(0, 0, 2, 3)),
        "warning",
        "the tumour encloses what is not marked .5% of its volume. and counts as healthy",
    ),
    Input(
        "labels",
        "necrosis and enhancing exchanged",
        whole_head(seg=renamed(0, 3, 2, 1)),
        "warning",
        "t1c.nii.gz: what the segmentation calls enhancing is darker on it than what it calls necrosis",
    ),
    Input("labels", "negative", whole_head(seg=-SEG.astype(np.int16)), "error", "unknown label -3"),
    Input("labels", "not quite whole", whole_head(seg=(SEG * 1.00002).astype(np.float32)), "right"),
    Input("labels", "half a label", whole_head(seg=(SEG * 0.5).astype(np.float32)), "error", "not whole numbers"),
    Input(
        "labels",
        "core and whole apart",
        whole_head(seg=renamed(0, 1, 0, 3), whole=(SEG > 0).astype(np.float32)),
        "right",
    ),
    Input(
        "labels",
        "one voxel",
        whole_head(seg=put(np.zeros_like(SEG), (40, 25, 30), 3)),
        "warning",
        "only 0.027 ml .1 voxel.; so small an outline",
    ),
    Input(
        "labels",
        "drawn in one slice",
        whole_head(seg=np.where(np.arange(SHAPE[2]) == 30, SEG, 0).astype(np.uint8)),
        "warning",
        "marked in a single slice, 4. mm wide and 3.0 mm thick",
    ),
    Input(
        "labels",
        "a whole within the core",
        whole_head(seg=renamed(0, 1, 0, 3), whole=(SEG == 1).astype(np.uint8)),
        "warning",
        "whole.nii.gz: 8.% of the tumour core lies outside this mask",
    ),
    Input(
        "labels",
        "edema alone as the whole",
        whole_head(seg=renamed(0, 1, 0, 3), whole=(SEG == 2).astype(np.uint8)),
        "right",
    ),
    Input(
        "labels",
        "a whole mirrored",
        whole_head(seg=renamed(0, 1, 0, 3), whole=(SEG > 0)[::-1].astype(np.uint8)),
        "warning",
        "whole.nii.gz: 100% of the tumour core lies outside this mask",
    ),
    Input(
        "labels",
        "a whole inverted",
        whole_head(seg=renamed(0, 1, 0, 3), whole=(SEG == 0).astype(np.uint8)),
        "error",
        "whole.nii.gz: 7.% of the tumour lies outside the brain",
    ),
    # where the voxels are
    Input(
        "place", "identity", all_of(lambda a: a[::-1, ::-1].copy(), LEFT_LOST), "warning", "its affine is an identity"
    ),
    Input(
        "place", "identity of DICOM's axes", all_of(lambda a: a, np.diag([-3.0, -3, 3, 1])), "warning", "is an identity"
    ),
    Input(
        "place",
        "codes 0",
        {n: with_header(no_codes, d) for n, d in whole_head().items()},
        "warning",
        "has no orientation",
    ),
    Input(
        "place",
        "sform against qform",
        {n: with_header(lambda m: m.set_qform(np.diag([3.0, 3, 3, 1]), 1), d) for n, d in whole_head().items()},
        "warning",
        "sform and its qform say different places",
    ),
    Input(
        "place", "slices lost", all_of(lambda a: a[:, :, ::2].copy()), "warning", "extent from top to bottom is 0.49"
    ),
    Input("place", "edges doubled", all_of(lambda a: a, np.diag([1.5, 1.5, 1, 1]) @ AFFINE), "error|warning", "ml"),
    Input(
        "place",
        "axes exchanged",
        all_of(lambda a: np.swapaxes(a, 0, 1).copy()),
        "warning",
        "not longest from front to back|unusual size",
    ),
    Input(
        "place",
        "in metres",
        all_of(lambda a: a, np.diag([1e-3, 1e-3, 1e-3, 1]) @ AFFINE),
        "error",
        "is its header in another unit than mm",
    ),
    Input(
        "place",
        "mirrored",
        whole_head(seg=SEG[::-1].copy()),
        "warning",
        "where its mirror image has it.*left and right exchanged",
    ),
    Input("place", "front to back", whole_head(seg=SEG[:, ::-1].copy()), "warning", "FLAIR is not bright"),
    Input(
        "place", "moved", whole_head(seg=np.roll(SEG, 12, 1)), "warning", "FLAIR is not bright where the segmentation"
    ),
    Input(
        "place", "mirrored, no FLAIR", {"t1n": T1, "t1c": T1C, "seg": SEG[::-1].copy()}, "warning", "T1c is not bright"
    ),
    Input(
        "place",
        "cosines of three decimals",
        all_of(lambda a: a, tilted(3)),
        "warning",
        "they were straightened, by 0.0",
    ),
    Input("place", "cosines of one decimal", all_of(lambda a: a, tilted(1)), "error", "its axes are not perpendicular"),
    Input(
        "place",
        "sform of zeros",
        whole_head(t1n=with_header(broken_sform(0.0))),
        "error",
        "t1n.nii.gz: its affine .* zero or not a number",
    ),
    Input(
        "place",
        "sform not a number",
        whole_head(t2f=with_header(broken_sform(np.nan))),
        "error",
        "t2f.nii.gz: its affine .* zero or not",
    ),
    # what is brain
    Input("brain", "z-scores", Z | {"seg": SEG}, "warning", "both sides of its background .0"),
    Input(
        "brain",
        "background of 100",
        {n: d + 100 for n, d in SCANS.items()} | {"seg": SEG},
        "warning",
        "its background is 100, not 0",
    ),
    Input(
        "brain",
        "background of -1",
        {n: np.where(BRAIN, d / 2000, -1).astype(np.float32) for n, d in SCANS.items()} | {"seg": SEG},
        "warning",
        "its background is -1, not 0",
    ),
    Input("brain", "skull on", whole_head(t1n=head_with_skull()), "error", "t1n.nii.gz: .*skull"),
    Input(
        "brain", "skull on, background of 50", whole_head(t1n=head_with_skull(600, 50)), "error", "t1n.nii.gz: .*skull"
    ),
    Input(
        "brain", "skull on, with a mask", whole_head(t1n=head_with_skull(), brainmask=BRAIN.astype(np.uint8)), "right"
    ),
    Input("brain", "cut at the left", in_view(cut((-1, 0, 0))), "warning", "the field of view seems to be cut there"),
    Input("brain", "cut aslant", in_view(cut((-1, 0.4, 0.5))), "warning", "the field of view seems to be cut there"),
    Input(
        "brain",
        "tumour beyond the scan",
        in_view(cut((-1, 0, 0))) | {"seg": np.where(cut((-1, 0, 0)) | (AWAY < 15), SEG, 0).astype(np.uint8)},
        "warning",
        "% of the tumour lies outside the brain",
    ),
    Input(
        "brain",
        "one side missing in the mask",
        whole_head(brainmask=(BRAIN & (WORLD[0] > 0)).astype(np.uint8)),
        "error",
        "100% of the tumour lies outside the brain",
    ),
    # what a file is
    Input(
        "file", "a role within a name", whole_head(old_prefets_seg=SEG), "warning", "old_prefets_seg.nii.gz not used"
    ),
    Input("file", "two segmentations", whole_head(two_segmentations_seg=SEG), "error", "could both be its seg"),
    Input("file", "two T1", whole_head(t1=T1), "error", "t1n.nii.gz and t1.nii.gz could both be its t1"),
    Input(
        "file",
        "a map as a mask",
        whole_head(whole=(0.98 * (SEG > 0) + 0.01).astype(np.float32)),
        "error",
        "whole.nii.gz: is no mask",
    ),
    Input(
        "file", "a mask of 255", whole_head(seg=renamed(0, 1, 0, 3), whole=(255 * (SEG > 0)).astype(np.uint8)), "right"
    ),
    Input(
        "file",
        "a brain map as a mask",
        whole_head(brainmask=(0.7 * BRAIN * TEXTURE).astype(np.float32)),
        "error",
        "brainmask.nii.gz: is no mask",
    ),
    Input(
        "file", "four dimensions", whole_head(t2f=np.stack([FLAIR] * 3, -1)), "error", "t2f.nii.gz: has 4 dimensions"
    ),
    Input("file", "one slice", whole_head(t1c=T1C[:, :, :1]), "error", "t1c.nii.gz: has shape .* a single slice"),
    Input(
        "file",
        "colours",
        whole_head(seg=np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])),
        "error",
        "seg.nii.gz: holds colours",
    ),
    Input(
        "file",
        "complex numbers",
        whole_head(t1n=T1.astype(np.complex64)),
        "error",
        "t1n.nii.gz: holds voxels of type complex64",
    ),
    Input("file", "another grid", whole_head(t1c=T1C[:, :, 1:]), "error", "t1c.nii.gz: shape"),
    Input(
        "file",
        "no number within",
        whole_head(t1n=np.where(VENTRICLE, np.nan, T1)),
        "error",
        "t1n.nii.gz: holds .* not finite",
    ),
    Input(
        "file",
        "no number around",
        whole_head(**{name: np.where(BRAIN, data, np.nan).astype(np.float32) for name, data in SCANS.items()}),
        "warning",
        "t1c.nii.gz: .* voxels around the head are not finite .NaN., and are taken as 0",
    ),
    Input(
        "file",
        "PET without numbers around",
        whole_head(fet=np.where(BRAIN, PET, np.nan)),
        "warning",
        "fet.nii.gz: .* voxels around",
    ),
    # whether values can be what a column says
    Input(
        "content", "a mask of the brain as seg", whole_head(seg=BRAIN.astype(np.uint8)), "error", "100% of the brain"
    ),
    Input(
        "content",
        "tissue as seg",
        whole_head(seg=(CSF * 3 + GM + WM * 2).astype(np.uint8)),
        "error",
        "seg.nii.gz: marks 100% of the brain as tumour: is it a mask of the brain",
    ),
    Input("content", "a mask as T1", whole_head(t1n=BRAIN * 100.0), "error", "t1n.nii.gz: is no scan"),
    Input(
        "content", "T1 inverted", whole_head(t1n=INVERTED), "warning", "t1n.nii.gz: is bright where t1c.nii.gz is dark"
    ),
    Input(
        "content",
        "T1 inverted, no T1c",
        {"t1n": INVERTED, "t2f": FLAIR, "seg": SEG},
        "warning",
        "t1n.nii.gz: is darker deep in the brain than near its surface",
    ),
    Input(
        "content",
        "T1c inverted",
        whole_head(t1c=np.where(BRAIN, 1400 - T1C, 0).astype(np.float32)),
        "warning",
        "are the two exchanged, or is one inverted",
    ),
    Input("content", "T2 as T1", whole_head(t1n=T2), "warning", "t1n.nii.gz: is bright where"),
    Input("content", "T2 as FLAIR", whole_head(t2f=T2), "warning", "t2f.nii.gz: fluid is bright on it"),
    Input("content", "T1 and FLAIR exchanged", whole_head(t1n=FLAIR, t2f=T1), "warning", FLAIR_IS_NONE),
    Input("content", "T1c and FLAIR exchanged", whole_head(t1c=FLAIR, t2f=T1C), "warning", FLAIR_IS_NONE),
    Input(
        "content",
        "T1 as T1c in another scale",
        whole_head(t1c=(1.7 * T1 + 3 * BRAIN).astype(np.float32)),
        "warning",
        "t1c.nii.gz: t1c and t1 are the same image",
    ),
    Input("content", "T1c without tumour", whole_head(t1c=T1C * (SEG == 0)), "warning", "shows nothing .0. in 100%"),
    Input("content", "FLAIR without tumour", whole_head(t2f=FLAIR * (SEG == 0)), "warning", "t2f.nii.gz: shows noth"),
    Input(
        "content",
        "T1c stripped by another mask",
        whole_head(t1c=np.where(DEPTH < 0.95, T1C, 0).astype(np.float32)),
        "right",
    ),
    Input(
        "place",
        "T1c under another place",
        whole_head(t1c=np.roll(T1C, (0, 4, 0), (0, 1, 2))),
        "warning",
        "t1c.nii.gz: lies about 1[0-9] mm away from where t1n.nii.gz has the same",
    ),
    Input(
        "place",
        "T1c mirrored alone",
        whole_head(t1n=LOPSIDED[0], t1c=LOPSIDED[1][::-1], seg=SEG),
        "warning",
        "t1c.nii.gz: fits t1n.nii.gz better as its mirror image",
    ),
    Input("content", "T1 twice", whole_head(t1c=T1), "warning", "t1c and t1 are the same image"),
    Input("content", "T1 and T1c exchanged", whole_head(t1n=T1C, t1c=T1), "warning", "are the two exchanged"),
    Input(
        "content",
        "an overflow",
        whole_head(t1n=T1.astype(np.int16).astype(np.int8)),
        "warning",
        "darker than its background",
    ),
    Input("content", "PET", whole_head(fet=PET), "right"),
    Input("content", "the segmentation as PET", whole_head(fet=SEG), "error", "fet.nii.gz: is no scan"),
    Input("content", "a normalised PET", whole_head(fet=PET - 1.2), "error", "uptake is negative in"),
    Input("content", "PET cut out", whole_head(fet=np.where(SEG > 0, 0, PET)), "error", "no uptake in the enhancing"),
    Input("content", "PET mirrored", whole_head(fet=PET[::-1]), "warning", "takes up no more than the brain"),
    Input("content", "recurrence", whole_head(recurrence=RECURRENCE), "right"),
    Input(
        "content",
        "recurrence of 255",
        whole_head(recurrence=np.where(RECURRENCE > 0, 255, 0).astype(np.uint8)),
        "warning",
        "recurrence.nii.gz: is a mask without parts",
    ),
    Input("content", "recurrence copied", whole_head(recurrence=SEG), "warning", "is the segmentation itself"),
    Input("content", "recurrence mirrored", whole_head(recurrence=RECURRENCE[::-1]), "warning", "mm away from the tum"),
    Input(
        "content",
        "recurrence in the air",
        whole_head(recurrence=np.where(DEPTH > 1.1, RECURRENCE.max(), 0).astype(np.uint8)),
        "error",
        "100% of the recurrence lies outside the brain",
    ),
    Input(
        "content",
        "maps in percent",
        whole_head(**{name: 100 * data for name, data in MAPS.items()}),
        "error",
        "wm.nii.gz: not a map of fractions: .* in percent",
    ),
    Input(
        "content",
        "maps that overlap",
        whole_head(wm=BRAIN.astype(np.float32), gm=BRAIN.astype(np.float32)),
        "error",
        "wm.nii.gz: wm, gm add up to more than 1",
    ),
    Input(
        "content", "wm and gm exchanged", whole_head(**MAPS | {"wm": MAPS["gm"], "gm": MAPS["wm"]}), "warning", "exch"
    ),
    Input(
        "content",
        "maps of half the brain",
        whole_head(**{name: data * (WORLD[0] > 0) for name, data in MAPS.items()}),
        "warning",
        "cover only 5.% of the brain",
    ),
    Input(
        "brain",
        "background of the least z-score",
        {n: np.where(BRAIN, d, d.min()).astype(np.float32) for n, d in Z.items()} | {"seg": SEG},
        "warning",
        "its background is -.*, not 0",
    ),
)
