"""Break the package on purpose, one small change at a time, and report which changes no test notices.

Usage: python .ci/mutate.py [-n 120] [--seed 0] [--rooms thresholds decoding policies]

Every mutant is a copy of a module with one operator, constant, branch or reduction changed. The tests of that module
run on it, and where these pass those of the estimators that stand on its room. The checkout is not touched.
"""

import argparse
import ast
import copy
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

# Once, and before the mutants are forked off: they cost each of them seconds.
import matplotlib
import pandas  # noqa: F401
import pytest
import scipy.optimize  # noqa: F401
import sklearn.model_selection  # noqa: F401
import torch

ROOT = Path(__file__).parents[1]
COMPARED = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq},
    **{ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is},
}
COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult}
JOINED = {ast.And: ast.Or, ast.Or: ast.And}
CALLED = [("min", "max"), ("minimum", "maximum"), ("argmin", "argmax"), ("any", "all"), ("floor", "ceil")]
CALLED = {**dict(CALLED), **{second: first for first, second in CALLED}}
# Tests that run where a module's own do not notice.
ABOVE = {
    "thresholds": [
        "tests/thresholds/test_sample_weight.py",
        "tests/policies/test_threshold_rules.py",
        "tests/test_tuned_thresholds.py",
    ],
    "decoding": ["tests/test_fixed_thresholds.py", "tests/test_tuned_thresholds.py"],
    "policies": [
        "tests/policies/test_sample_weight.py",
        "tests/policies/test_prediction_policy.py",
        "tests/test_meta_policy.py",
    ],
}


class Mutant(NamedTuple):
    """A change of one node: which of its module, what replaces it, and how a person reads it."""

    module: Path
    position: int
    changed: ast.AST
    says: str


def mutations(node):
    """Nodes that may stand for `node`, each with one change."""
    if isinstance(node, ast.Compare):
        for i, operator in enumerate(node.ops):
            if type(operator) in COMPARED:
                ops = [COMPARED[type(operator)]() if j == i else each for j, each in enumerate(node.ops)]
                yield ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in COMPUTED:
        yield ast.BinOp(node.left, COMPUTED[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(JOINED[type(node.op)](), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        flipped = not node.value if isinstance(node.value, bool) else 1 - node.value if node.value in (0, 1) else None
        yield ast.Constant(node.value + 1 if flipped is None else flipped)
    elif isinstance(node, ast.Attribute) and node.attr in CALLED:
        yield ast.Attribute(node.value, CALLED[node.attr], node.ctx)
    elif isinstance(node, ast.Name) and node.id in CALLED:
        yield ast.Name(CALLED[node.id], node.ctx)


def nodes(tree):
    """Nodes of a module in a fixed order, without messages of errors, annotations and what is for type checkers."""
    passed_over = (ast.Raise, ast.JoinedStr, ast.arg, ast.AnnAssign, ast.ImportFrom, ast.Import)
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name, value in ast.iter_fields(node):
            children = value if isinstance(value, list) else [value]
            if name not in ("returns", "decorator_list"):
                waiting += [
                    each for each in children if isinstance(each, ast.AST) and not isinstance(each, passed_over)
                ]


def mutants_of(module):
    """Every mutant of a module."""
    for position, node in enumerate(nodes(ast.parse(module.read_text()))):
        for changed in mutations(node):
            says = f"{ast.unparse(node)}  ->  {ast.unparse(ast.fix_missing_locations(changed))}"
            yield Mutant(module, position, changed, f"line {node.lineno}: {says}")


def source_of(mutant):
    """Text of the module with the change."""
    tree = ast.parse(mutant.module.read_text())
    target = next(node for position, node in enumerate(nodes(tree)) if position == mutant.position)

    class Replace(ast.NodeTransformer):
        def visit(self, node):
            return copy.deepcopy(mutant.changed) if node is target else self.generic_visit(node)

    return ast.unparse(ast.fix_missing_locations(Replace().visit(tree)))


def sample(rooms, n, rng):
    """`n` mutants, as many of each module as there are."""
    modules = sorted(
        path for room in rooms for path in (ROOT / "sklearn_metalabel" / room).glob("_*.py") if path.stem != "__init__"
    )
    found = {module: list(mutants_of(module)) for module in modules}
    print(f"{sum(map(len, found.values()))} mutants of {len(modules)} modules are possible")
    for mutants in found.values():
        rng.shuffle(mutants)
    chosen, rank = [], 0
    while len(chosen) < n and any(rank < len(mutants) for mutants in found.values()):
        layer = [mutants[rank] for mutants in found.values() if rank < len(mutants)]
        rng.shuffle(layer)
        chosen += layer
        rank += 1
    return chosen[:n]


def passes(copied, tests, seconds):
    """Whether tests pass on the copy, in a process of its own that is ended after so many seconds."""
    child = os.fork()
    if child == 0:
        os.setsid()
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        os.chdir(copied)
        sys.path.insert(0, str(copied))
        os.environ["PYTHONPATH"] = str(copied)  # for processes that the tests start
        code = 1
        try:
            code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", *tests]))
        finally:
            os._exit(code)
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def tests_of(module):
    """Files of tests to run on a module, its own first."""
    own = f"tests/{module.parent.name}/test{module.name}"
    return [*([own] if (ROOT / own).exists() else []), *ABOVE[module.parent.name]]


def survives(mutant, copied, seconds):
    """Whether no test notices a mutant."""
    place = copied / mutant.module.relative_to(ROOT)
    place.write_text(source_of(mutant))
    try:
        return all(passes(copied, [tests], seconds) for tests in tests_of(mutant.module))
    finally:
        shutil.copyfile(mutant.module, place)


def main():
    """Sample mutants, run the tests of each, and print the share that is noticed and what is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rooms", nargs="+", choices=ABOVE, default=list(ABOVE))
    parser.add_argument("--seconds", type=float, default=300, help="after which the tests of a file are ended")
    parser.add_argument("--only", default="", help="of those sampled, the mutants that have this in their description")
    options = parser.parse_args()
    matplotlib.use("agg")
    torch.set_num_threads(1)
    chosen = sample(options.rooms, options.n, random.Random(options.seed))
    chosen = [mutant for mutant in chosen if options.only in f"{mutant.module} {mutant.says}"]
    tally, alive = defaultdict(lambda: [0, 0]), []
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / "checkout"
        wanted = ("sklearn_metalabel", "tests", "pyproject.toml", "setup.cfg", "README.md", "examples", "benchmarks")
        copied.mkdir()
        for name in wanted:
            copy_of = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            copy_of(ROOT / name, copied / name)
        unchanged = sorted({tests for mutant in chosen for tests in tests_of(mutant.module)})
        if not passes(copied, unchanged, len(unchanged) * options.seconds):
            sys.exit("The tests fail on the package as it is; nothing can be said of mutants.")
        for number, mutant in enumerate(chosen, start=1):
            start, survived = time.monotonic(), survives(mutant, copied, options.seconds)
            tally[mutant.module.parent.name][survived] += 1
            name = mutant.module.relative_to(ROOT / "sklearn_metalabel")
            took = time.monotonic() - start
            print(
                f"{number:4d} {took:5.0f} s  {'SURVIVED' if survived else 'killed'}  {name} {mutant.says}", flush=True
            )
            alive += [f"{name} {mutant.says}"] if survived else []
    for room, (killed, survived) in tally.items():
        print(f"{room}: {killed} of {killed + survived} killed")
    print(f"{len(chosen) - len(alive)} of {len(chosen)} killed; {len(alive)} survived:", *alive, sep="\n  ")


if __name__ == "__main__":
    main()
