"""Say how the tests marked `data` fared in a JUnit report; fail where data are there and a test was skipped."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter


def marked_tests():
    """Names of the tests marked `data`, in the form of the report: (module and class, test)."""
    command = [sys.executable, "-m", "pytest", "-m", "data", "--collect-only", "-q", "--no-header"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    for line in listed:
        path, found, rest = line.partition(".py::")
        if found:
            *classes, test = rest.partition("[")[0].split("::")
            yield ".".join([path.replace("/", "."), *classes]), test + "".join(rest.partition("[")[1:])


def outcome(case):
    """What became of a test."""
    kinds = [kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None]
    return kinds[0] if kinds else "passed"


def main(report):
    """Print the outcome of every marked test; returns the exit status."""
    cases = ElementTree.parse(report).iter("testcase")
    outcomes = {(case.get("classname"), case.get("name")): outcome(case) for case in cases}
    counts = Counter()
    for test in marked_tests():
        result = outcomes.get(test, "not run")
        counts[result] += 1
        print(f"{result:<8} {'::'.join(test)}")
    folder = os.environ.get("SKLEARN_METALABEL_DATA")
    print(f"data folder: {folder or 'none'}; {dict(counts) or 'no test is marked data'}")
    return int(bool(folder) and set(counts) != {"passed"})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
