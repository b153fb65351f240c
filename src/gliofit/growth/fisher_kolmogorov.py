"""Provisional scheme; see issue B."""
import numba as nb
import numpy as np


@nb.njit(fastmath=True, nogil=True, cache=True)
def _apply(a, b, d, m, fx, fy, fz, first, inv):
    nx, ny, nz = a.shape
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            for k in range(1, nz - 1):
                if not m[i, j, k]:
                    continue
                c = a[i, j, k]
                q = d[i, j, k]
                l = fx * (m[i + 1, j, k] * (d[i + 1, j, k] + q) * (a[i + 1, j, k] - c) + m[i - 1, j, k] * (d[i - 1, j, k] + q) * (a[i - 1, j, k] - c))
                l += fy * (m[i, j + 1, k] * (d[i, j + 1, k] + q) * (a[i, j + 1, k] - c) + m[i, j - 1, k] * (d[i, j - 1, k] + q) * (a[i, j - 1, k] - c))
                l += fz * (m[i, j, k + 1] * (d[i, j, k + 1] + q) * (a[i, j, k + 1] - c) + m[i, j, k - 1] * (d[i, j, k - 1] + q) * (a[i, j, k - 1] - c))
                if first:
                    b[i, j, k] = c + l
                else:
                    b[i, j, k] = (2 - inv) * (c + l) - (1 - inv) * b[i, j, k]


def simulate(tissue, theta, *, jacobian=False, device="cpu", seed="smooth", threads=1):
    h = tissue.spacing
    idx = np.indices(tissue.shape).reshape(3, -1).T
    r2 = ((h * (idx - tissue.to_voxel(theta.origin))) ** 2).sum(1).reshape(tissue.shape)
    g = 250 / (20 * np.pi) ** 1.5 * np.exp(-r2 / 20)
    s = np.clip((g - 0.05) / 0.1, 0, 1)
    c = np.pad((g * s * s * (3 - 2 * s) * tissue.mask).astype(np.float32), 1)
    d = np.pad(tissue.relative_diffusivity, 1)
    m = np.pad(tissue.mask, 1).astype(np.float32)
    p, q = theta.mu_D**2, theta.mu_rho**2
    n = max(8, int(np.ceil(q / 0.3)))
    om = 1 / (2 * (1 / h**2).sum())  # 2/lambda_max, lambda_max = 4 sum 1/h^2
    st = int(np.ceil((-1 + np.sqrt(9 + 8 * (p / n) * 4 * (1 / h**2).sum() / 2)) / 2)) + 1
    st = max(2, st)
    w = 4 / (st**2 + st - 2) * (p / n)
    bs = (st**2 + st - 2) / (2 * st * (st + 1))
    f = np.float32(w / 2) / h.astype(np.float32) ** 2
    e = np.float32(np.exp(q / n / 2))
    react = lambda c: c * e / (1 + c * (e - 1))
    for _ in range(n):
        c = react(c)
        a, b = c.copy(), np.zeros_like(c)
        _apply(a, b, d, m, f[0], f[1], f[2], True, np.float32(1))
        a, b = b, a
        for k in range(2, st + 1):
            _apply(a, b, d, m, f[0], f[1], f[2], False, np.float32(1 / k))
            a, b = b, a
        c = np.clip((1 - bs) * c + bs * a, 0, 1).astype(np.float32)
        c = react(c)
    return np.ascontiguousarray(c[1:-1, 1:-1, 1:-1])
