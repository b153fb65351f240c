"""Plans in DICOM: on the scanner's own series, or on one that is made from the NIfTI."""
