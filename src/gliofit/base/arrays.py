"""The array type in annotations: numpy's, of any shape and number type; docstrings give both."""

from __future__ import annotations

import numpy as np

Array = np.ndarray
