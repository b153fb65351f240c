"""A patient's own page: what was inferred, by which method, how well, and what a plan would make of it."""

from gliofit.reporting.patient_page.document import MethodFit, Plans, write_page

__all__ = ["MethodFit", "Plans", "write_page"]
