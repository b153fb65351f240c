"""A patient's own page: what was inferred, by which method, how well, and what a plan would make of it."""

from gliofit.reporting.patient_page.document import MethodFit, Plans, write_page
from gliofit.reporting.patient_page.foci_parts import parts_by_focus

__all__ = ["MethodFit", "Plans", "parts_by_focus", "write_page"]
