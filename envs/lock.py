"""
`envs/requirements.lock`: the pins of `envs/requirements.txt`, with the SHA-256 of every file that may be installed.

uv asks the package index for the hashes. Of torch only the CPU build's is kept, by the hash of the file that pip takes
here: the index's own build for Linux needs gigabytes of CUDA libraries, which `requirements.txt` leaves out.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
HEADER = """\
# Made by `make lock` from requirements.txt: the same pins, with the hashes of their files. torch's is of the CPU build
# for Linux (x86-64) and Python 3.11, which PyTorch's own index has.
#   pip install --require-hashes --no-deps -r envs/requirements.lock
"""


def hashed_pins(requirements: Path) -> dict[str, str]:
    """Blocks of pin and hashes by package, of all of `requirements` but torch."""
    run = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-deps", "--generate-hashes", "--no-annotate"]
    text = subprocess.run(
        [*run, "--no-header", "--universal", "--python-version", "3.11", str(requirements)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    pins: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if not line.startswith(" "):  # a pin; its hashes follow, indented
            name = line.split("==")[0].lower()
            pins[name] = line
        else:
            pins[name] += "\n" + line
    return pins


def cpu_build(pin: str) -> str:
    """torch's block, with the hash of the CPU build that pip takes for `pin`."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, pin], check=True)
        (wheel,) = Path(folder).iterdir()
        if "+cpu" not in wheel.name:
            sys.exit(f"{wheel.name} is not a CPU build: add PyTorch's index of CPU builds to pip's indices")
        return f"{pin} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def main() -> None:
    """Write the lock beside the requirements."""
    pins = hashed_pins(HERE / "requirements.txt")
    pins["torch"] = cpu_build(pins["torch"].split(" ")[0])
    (HERE / "requirements.lock").write_text(HEADER + "\n".join(pins[name] for name in sorted(pins)) + "\n")


if __name__ == "__main__":
    main()
