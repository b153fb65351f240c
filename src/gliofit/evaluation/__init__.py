"""How well a density or θ̂ does: metrics, statistics, scores of patients and surrogates."""
