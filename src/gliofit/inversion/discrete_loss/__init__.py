"""
Optimising a discrete loss (Balcerak et al., GliODIL; Karnakov et al. 2024): growth as unknown fields, not as a solver.

The density at all points of a space-time grid is unknown, together with the growth's coefficients. `multigrid` writes
it as a sum of fields on coarser and coarser grids, `crank_nicolson` has the residual of the growth equation, `loss` all
terms, `start` the box and the initial guess, `descent` the optimisers. The method is
`gliofit.inversion.methods.gliodil`.
"""
