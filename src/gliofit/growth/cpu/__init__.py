"""The growth solver's compiled loops on the CPU."""
