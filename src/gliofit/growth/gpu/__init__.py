"""The growth solver's batches on a GPU."""
