"""Write requirements/hashed/: what continuous integration installs, by version and by SHA-256 of every file of it.

Usage: pip install uv && python .ci/hash_pins.py, after a change of pyproject.toml or of requirements/constraints.txt.
One resolution holds for CPython 3.11 and later on Linux, macOS and Windows; the index says the hashes, nothing is
downloaded for them.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "requirements" / "hashed"
COMPILE = [
    *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-header", "--no-annotate", "--no-emit-index-url", "-c", "requirements/constraints.txt"),
]
# Hashes of the builds of torch for CPUs that are kept beside the index, by version: CPython 3.11 on Linux x86-64.
CPU_BUILDS = {"2.13.0": "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"}
OF_A_GPU = re.compile(r"(nvidia|cuda)-.*|triton")


def compiled(*arguments, lines=""):
    """Pins by name, as uv writes them: several of one name where versions differ between Pythons."""
    run = subprocess.run([*COMPILE, *arguments], cwd=ROOT, input=lines, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(run.stderr)
    pins = {}
    for pin in re.split(r"\n(?=[a-z0-9])", run.stdout.strip()):
        pins.setdefault(pin.partition("==")[0], []).append(pin)
    return pins


def write(name, says, pins):
    """A file of requirements."""
    text = "\n".join(pin for each in sorted(pins) for pin in pins[each])
    (FOLDER / f"{name}.txt").write_text(f"# {says} Written by .ci/hash_pins.py.\n{text}\n")
    print(f"{name}.txt: {len(pins)} packages")


def main():
    """Resolve everything at once, and write it in parts that are installed one after the other."""
    FOLDER.mkdir(exist_ok=True)
    extras = ["--extra=test", "--extra=others", "--extra=docs", "--extra=notebook", "--extra=browser"]
    everything = compiled("pyproject.toml", "-", *extras, lines="setuptools\nbuild\n")
    for_tests = compiled("pyproject.toml", "-", extras[0], lines="setuptools\n").keys()
    for_builds = compiled("-", lines="setuptools\nbuild\n").keys()
    gpu = {name for name in for_tests if OF_A_GPU.fullmatch(name)}
    parts = {
        "test": ("What the tests need, but torch.", for_tests - gpu - {"torch"}),
        "torch": ("torch, in the builds that the index has: on Linux those for GPUs.", {"torch"}),
        "gpu": ("What the builds of torch for GPUs need.", gpu),
        "more": (
            "What the documentation, its tests and the tests of other libraries need beside.",
            everything.keys() - for_tests - for_builds,
        ),
        "build": ("What builds a release.", for_builds),
    }
    for name, (says, names) in parts.items():
        write(name, says, {each: everything[each] for each in names})
    version = everything["torch"][0].split()[0].partition("==")[2]
    pin = f"torch=={version}+cpu --hash=sha256:{CPU_BUILDS[version]}" if version in CPU_BUILDS else "# None is known."
    write("torch-cpu", "torch without what only a GPU needs, where pip finds that build.", {"torch": [pin]})


if __name__ == "__main__":
    main()
