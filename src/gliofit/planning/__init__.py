"""Radiotherapy plans and what they cover."""
