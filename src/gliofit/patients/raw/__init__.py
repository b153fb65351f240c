"""Scans as they come from a scanner – DICOM, unstripped, each on a grid of its own – made into a patient's files."""
