"""Growth models of Learn-Morph-Infer's Table 2, for whoever plans it: importing this takes no time."""

MODELS = ("fisher_kolmogorov", "mass_effect")
