"""Patients: sample sheet, labels, headers, scans, and what is prepared from them."""
