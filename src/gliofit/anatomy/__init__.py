"""The head that a tumour grows in: tissue, atlases, registration, deformation, and ways between spaces."""
