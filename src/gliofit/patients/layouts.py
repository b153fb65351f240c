"""
How public data sets name a patient's files.

Each layout is a table of roles and names; a name fits whole or not at all, whatever the case of its letters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

EXTRAS = {
    "whole": ("whole", "tumflair"),
    "fet": ("fet", "fet_pet", "pet", "fet_static", "tumpet"),
    "recurrence": ("recurrence", "recurrence_preop"),
    "wm": ("wm",),
    "gm": ("gm",),
    "csf": ("csf",),
    "brain": ("brainmask", "brain_mask", "brain", "brain_segmentation", "brainmask_sri"),
}
"""Names that every layout may have beside its scans."""


@dataclass(frozen=True)
class Layout:
    """
    How a data set names its files.

    Parameters
    ----------
    name : str
    roles : dict
        Role → names, without .nii.gz and without the case's own name in front; `{case}` stands for that name where it
        has another place, "/" for a folder. Two names of one role in a folder are an ambiguity.
    labels : str
        Of its segmentations.
    example : str
        For the sentence when nothing is found.
    cases : str
        Regular expression of the case's name, for layouts that another one's names would fit, too.
    before : str
        What stands before the case's own name in its folder's name, in lower case.
    extras : bool
        Whether the names of `EXTRAS` belong to it.
    scans : bool
        Whether it is told by its T1 or T1c; otherwise a segmentation or tissue maps will do.
    """

    name: str
    roles: dict[str, tuple[str, ...]]
    labels: str = "brats"
    example: str = ""
    cases: str = ""
    before: str = ""
    extras: bool = True
    scans: bool = True


OTHER_TUMOURS = re.compile(r"brats-(men|met|men-rt)-", re.IGNORECASE)
"""Cases of BraTS that show no glioma: meningioma and metastases."""

LAYOUTS = (
    Layout(
        "BraTS-PED",
        {"t1": ("t1n",), "t1c": ("t1c",), "flair": ("t2f",), "seg": ("seg",)},
        "brats_ped",
        "BraTS-PED-00001-000/BraTS-PED-00001-000-t1n.nii.gz, -t1c, -t2f, -seg",
        r"brats-peds?-.*",
    ),
    Layout(
        "BraTS-GLI 2023–2025",
        {"t1": ("t1n",), "t1c": ("t1c",), "flair": ("t2f",), "seg": ("seg",)},
        "brats2024",
        "BraTS-GLI-00001-000/BraTS-GLI-00001-000-t1n.nii.gz, -t1c, -t2f, -seg",
        r"brats-(gli|ssa)-.*",
    ),
    Layout(
        "BraTS 2018–2021",
        {"t1": ("t1",), "t1c": ("t1ce",), "flair": ("flair",), "seg": ("seg",)},
        "brats2021",
        "ID/ID_t1.nii.gz, _t1ce, _flair, _seg",
        r"brats\d+_.*",
    ),
    Layout(
        "UCSF-PDGM",
        {"t1": ("t1",), "t1c": ("t1c",), "flair": ("flair",), "seg": ("tumor_segmentation",)},
        "ucsf_pdgm",
        "UCSF-PDGM-0004_nifti/UCSF-PDGM-0004_T1.nii.gz, _T1c, _FLAIR, _tumor_segmentation",
        r"ucsf-pdgm-.*",
    ),
    Layout(
        "UPENN-GBM",
        {
            "t1": ("t1",),
            "t1c": ("t1gd",),
            "flair": ("flair",),
            "seg": ("segm", "../../images_segm/{case}_segm", "../images_segm/{case}_segm"),
            "approximate": (
                "automated_approx_segm",
                "../../automated_segm/{case}_automated_approx_segm",
                "../automated_segm/{case}_automated_approx_segm",
            ),
        },
        "upenn_gbm",
        "images_structural/UPENN-GBM-00001_11/UPENN-GBM-00001_11_T1.nii.gz, _T1GD, _FLAIR and images_segm/…_segm",
        r"upenn-gbm-.*",
    ),
    Layout(
        "LUMIERE",
        {
            "t1": ("DeepBraTumIA-segmentation/atlas/skull_strip/t1_skull_strip",),
            "t1c": ("DeepBraTumIA-segmentation/atlas/skull_strip/ct1_skull_strip",),
            "flair": ("DeepBraTumIA-segmentation/atlas/skull_strip/flair_skull_strip",),
            "seg": ("DeepBraTumIA-segmentation/atlas/segmentation/seg_mask",),
            "brain": ("DeepBraTumIA-segmentation/atlas/skull_strip/brain_mask",),
        },
        "lumiere",
        "Patient-001/week-000-1/DeepBraTumIA-segmentation/atlas/{skull_strip,segmentation}",
        extras=False,
    ),
    Layout(
        "PredictGBM's container input",
        {
            "seg": ("tumorseg",),
            "t1c": ("t1c",),
            "flair": ("flair",),
            "fet": ("pet",),
            "recurrence": ("recurrence",),
            "wm": ("wm",),
            "gm": ("gm",),
            "csf": ("csf",),
            "brain": ("brain_mask",),
        },
        "brats2024",
        "Patient-00000/00000-tumorseg.nii.gz, -wm, -gm, -csf, -pet, -recurrence",
        r"patient-.*",
        before="patient-",
        extras=False,
        scans=False,
    ),
    Layout(
        "PredictGBM's data set",
        {
            "seg": ("tumor_segmentation/tumor_seg",),
            "t1": ("skull_stripped/t1_skullstripped", "skull_stripped/t1_bet_normalized"),
            "t1c": ("skull_stripped/t1c_skullstripped", "skull_stripped/t1c_bet_normalized"),
            "flair": ("skull_stripped/flair_skullstripped", "skull_stripped/flair_bet_normalized"),
            "brain": ("skull_stripped/brain_mask", "skull_stripped/t1c_bet_mask"),
            "wm": ("tissue_segmentation/wm_pbmap",),
            "gm": ("tissue_segmentation/gm_pbmap",),
            "csf": ("tissue_segmentation/csf_pbmap",),
            "recurrence": (
                "../ses-followup/longitudinal/recurrence_preop",
                "longitudinal/recurrence_preop",
            ),
        },
        "brats2024",
        "ID/ses-preop/{tumor_segmentation/tumor_seg,tissue_segmentation/wm_pbmap,…}.nii.gz",
        r"ses-preop",
        extras=False,
        scans=False,
    ),
    Layout(
        "CaPTk",
        {
            "t1": ("t1_to_sri_brain", "brain_t1"),
            "t1c": ("t1ce_to_sri_brain", "brain_t1ce"),
            "flair": ("fl_to_sri_brain", "brain_flair"),
            "seg": ("braintumormask_sri", "tumormask", "final_seg"),
        },
        "captk",
        "ID/T1_to_SRI_brain.nii.gz, T1CE_to_SRI_brain, FL_to_SRI_brain, brainTumorMask_SRI",
    ),
    Layout(
        "GliomaSolver",
        {"seg": ("tumt1c",), "wm": ("wm",), "gm": ("gm",)},
        "gliomasolver",
        "ID/WM.nii.gz, GM, tumT1c, tumFLAIR, tumPET",
        scans=False,
    ),
    Layout(
        "plain names",
        {
            "t1": ("t1n", "t1"),
            "t1c": ("t1c", "t1ce", "t1gd"),
            "flair": ("t2f", "flair"),
            "seg": ("seg", "segmentation"),
        },
        "brats",
        "ID/t1n.nii.gz, t1c, t2f, seg (or ID/ID_t1, …)",
        scans=False,
    ),
)
"""In the order they are tried: a layout that asks for a case's name before those that do not."""

BIDS = re.compile(r"(?P<entities>(?:[a-z]+-[A-Za-z0-9+]+_)+)(?P<suffix>[A-Za-z0-9]+)", re.IGNORECASE)
BIDS_EXAMPLE = "sub-01[/ses-1]/anat/sub-01_T1w.nii.gz, _ce-gadolinium_T1w, _FLAIR, _dseg"
IMAGE = (".nii.gz", ".nii")
NOT_READ = (".mgz", ".mgh", ".nrrd", ".nhdr", ".mha", ".mhd", ".img", ".img.gz", ".dcm", ".mnc", ".nii.zst")
"""Images that must be converted first."""

ARCHIVE = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar")

TIME_POINT = re.compile(
    r"(ses|session|week|day|month|year|tp|t|time|timepoint|visit|scan|pre|post|baseline|follow)[-_]?.{0,12}|[\d._-]+",
    re.I,
)
"""Folder names that say when and not who: the folder above has the patient's name."""

UNUSED = re.compile(
    r"(?:^|[-_.])(?:t2|t2w|dwi|adc|swi|asl|t1_bias|t1c_bias|flair_bias|t2_bias|truth|standardplan)$", re.I
)
"""Known names of images that no role needs: nothing is said of them."""


def bids_role(entities: dict[str, str], suffix: str) -> str | None:
    """
    What a BIDS image is taken for, by its entities and suffix in lower case; None for no role.

    "dseg" is a segmentation that does not say of what.
    """
    label, described = entities.get("label", ""), entities.get("desc", "")
    lesions = ("lesion", "tumor", "tumour", "glioma", "gbm")
    lesion = label in lesions or described in lesions
    if suffix == "t1w":
        return "t1c" if "ce" in entities else "t1"
    if suffix == "mask":
        return "brain" if "brain" in (described, label) else "seg" if lesion else None
    if suffix == "roi":
        return "seg" if lesion else None
    if suffix == "dseg":  # with no label, it is more often one of tissue
        return "seg" if lesion else "dseg" if not {"label", "atlas", "seg"} & set(entities) and not described else None
    if suffix == "probseg":
        return label if label in ("wm", "gm", "csf") else None
    if suffix == "pet":
        return "fet" if entities.get("trc", "fet") in ("fet", "18ffet") else None
    return "flair" if suffix == "flair" else None
