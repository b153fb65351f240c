"""`python -m gliofit.synthetic FILE…` checks shards against docs/data_format.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from gliofit.synthetic.check_shards import fault


def main(paths: Sequence[str]) -> int:
    """Check shards: one line per file on standard output; the exit status is 1 if any has a fault, 2 without files."""
    if not paths:
        print("usage: python -m gliofit.synthetic FILE…", file=sys.stderr)
        return 2
    faults = 0
    for path in paths:
        found = fault(path)
        faults += found is not None
        print(f"{path}: {found or 'OK'}")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
