"""antsRegistration in a process of its own, on one thread: its sums depend on the number of threads."""

from __future__ import annotations

import os
import subprocess
import sys

REGISTER = "import sys, ants; sys.exit(ants.registration(sys.argv[1:], None))"
WARP = (
    "import sys, ants; fixed, moving, out, *chain = sys.argv[1:]; "
    "ants.image_write(ants.apply_transforms(ants.image_read(fixed), ants.image_read(moving), chain), out)"
)


def run_ants(arguments: list[str], code: str = REGISTER) -> None:
    """
    Run antsRegistration with arguments, or `WARP` (fixed, moving, output and transforms).

    Raises
    ------
    RuntimeError
        With its last words, if it fails.
    """
    environment = {**os.environ, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise RuntimeError(f"ANTs ended with status {done.returncode}: {words}")
