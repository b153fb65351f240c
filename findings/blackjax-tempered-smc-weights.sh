#!/usr/bin/env bash
# blackjax 1.7.1: the particles of a tempered SMC that has ended are weighted; taken as draws they are 11 % too wide.
#
# Expected: at temperature 1 the particles are draws from the posterior, as those of TMCMC and of other packages' SMC are,
# and ten moves a stage make up for what resampling copies. So their standard deviation is the posterior's.
# Seen: a stage resamples and moves at the temperature that it finds, and only then weighs for the next one. At the end
# nothing has moved at temperature 1: the particles are as wide as the stage before, and state.weights has the rest. On a
# Gaussian that is known their standard deviations are 1.10 to 1.11 times the truth; weighted they are right.
# With target_ess 0.9 in place of 0.5 stages are close and the difference is small: it grows as runs get cheaper.
# What to do: use state.weights in every mean, quantile and plot, or resample by them once at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check blackjax==1.7.1 jax==0.10.2 jaxlib==0.10.2 numpy==2.3.5 scipy==1.17.1

cat > width.py <<'PYTHON'
import sys

import blackjax
import jax
import jax.numpy as jnp
import numpy as np
from blackjax.smc import resampling

NUMBER, PRIOR_SD, MOVES = 4000, 10.0, 10
MEAN = jnp.array([2.0, -1.0, 4.0])
posterior_sd = (1 / PRIOR_SD**2 + 1) ** -0.5


def log_prior(x):
    return -0.5 * jnp.sum((x / PRIOR_SD) ** 2)


def log_likelihood(x):
    return -0.5 * jnp.sum((x - MEAN) ** 2)


walk = blackjax.rmh.build_kernel()


def move(key, state, log_density):
    return walk(key, state, log_density, lambda k, x: x + 0.5 * jax.random.normal(k, x.shape))


def widths(target_ess):
    """Standard deviation of each parameter over the truth: of the particles, and with their weights."""
    sampler = blackjax.adaptive_tempered_smc(
        log_prior, log_likelihood, move, blackjax.rmh.init, {}, resampling.systematic, target_ess, num_mcmc_steps=MOVES
    )
    key = jax.random.key(0)
    state = sampler.init(PRIOR_SD * jax.random.normal(key, (NUMBER, len(MEAN))))
    step = jax.jit(sampler.step)
    while state.tempering_param < 1:
        key, now = jax.random.split(key)
        state, _ = step(now, state)
    x, w = np.asarray(state.particles, float), np.asarray(state.weights, float)
    weighted = np.sqrt((w[:, None] * (x - w @ x) ** 2).sum(0))
    print(f"target_ess {target_ess}: largest weight {w.max() * NUMBER:.1f} times the mean one")
    print("  standard deviations over the truth: of the particles", (x.std(0) / posterior_sd).round(2))
    print("                                      weighted        ", (weighted / posterior_sd).round(2))
    return x.std(0) / posterior_sd, weighted / posterior_sd


far, weighted = widths(0.5)
near, _ = widths(0.9)
sys.exit(0 if far.min() > 1.05 and abs(weighted - 1).max() < 0.05 and near.mean() < 1.05 else "changed: other widths")
PYTHON
env/bin/python width.py
