"""What importing the package costs: wall-clock seconds and peak memory of fresh processes, beside scikit-learn.

Each import runs in a process of its own, several times, all of them in turn; the table has medians, and their ratios to
those of ``import sklearn.linear_model``. Run it with ``python benchmarks/import_cost.py``; with ``--fail-above 1.2``
the exit status says whether ``import sklearn_metalabel`` costs more than that, in time or in memory.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from _table import Table

REFERENCE, PACKAGE = "import sklearn.linear_model", "import sklearn_metalabel"
STATEMENTS = [REFERENCE, PACKAGE, "from sklearn_metalabel import MetaPolicyClassifier"]
CHILD = """
import json, sys, time
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
from _memory import peak_mebibytes
print(json.dumps([seconds, peak_mebibytes(), "torch" in sys.modules]))
"""


def measure(statement):
    """Seconds, peak memory in MiB, and whether torch was imported, of a statement in a fresh process."""
    command = [sys.executable, "-c", CHILD.format(statement=statement)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent)
    return json.loads(done.stdout)


def ratios(medians, statement):
    """Seconds and memory of a statement in units of the reference."""
    return [own / reference for own, reference in zip(medians[statement][:2], medians[REFERENCE][:2], strict=True)]


def main():
    """Print the table; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--fail-above", type=float, help="largest ratio of time or memory that is accepted")
    parser.add_argument("--output", help="folder of the CSV file; without it the table is printed only")
    args = parser.parse_args()
    for statement in STATEMENTS:
        measure(statement)  # compiles, and brings the files into the cache of the system
    runs = {statement: [] for statement in STATEMENTS}
    for _ in range(args.repeats):
        for statement, found in runs.items():
            found.append(measure(statement))
    medians = {statement: [median(column) for column in zip(*found, strict=True)] for statement, found in runs.items()}
    columns = ["statement", "seconds", "ratio", "peak memory [MiB]", "memory ratio", "torch"]
    with TemporaryDirectory() as printed_only:
        table = Table("import_cost", *columns, folder=args.output or printed_only)
        for statement, (seconds, peak, torch) in medians.items():
            slower, larger = ratios(medians, statement)
            cells = [f"{seconds:.3f}", f"{slower:.2f}", f"{peak:.0f}", f"{larger:.2f}"]
            table.add(statement, *cells, "imported" if torch else "no")
    largest = max(ratios(medians, PACKAGE))
    if args.fail_above is not None and largest > args.fail_above:
        print(f"`{PACKAGE}` costs {largest:.2f} times what `{REFERENCE}` does, more than {args.fail_above:g} times.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
