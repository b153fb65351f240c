"""The growth models, one file each."""
