"""What every wing stands on: errors, files, grids, NIfTI, boxes, threads, versions; nothing of tumours."""
