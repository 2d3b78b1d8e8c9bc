"""A fit with 10,000 labels and 20,000 sparse instances: time and peak memory of the whole process.

Run it with ``python benchmarks/many_labels.py``.
"""

import argparse
import resource
import time

from _table import Table

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.datasets import make_hierarchical_multilabel


def main():
    """Fit once and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=20_000)
    parser.add_argument("--features", type=int, default=10_000)
    parser.add_argument("--labels", type=int, default=10_000)
    parser.add_argument("--output", help="folder of the CSV file")
    args = parser.parse_args()
    X, Y = make_hierarchical_multilabel(
        args.instances, args.features, n_labels=args.labels, sparse=True, random_state=0
    )
    start = time.perf_counter()
    clf = MetaPolicyClassifier(random_state=0).fit(X, Y)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    columns = ["instances", "features", "labels", "ones in Y", "fit [s]", "peak memory [GiB]", "thresholds from"]
    table = Table("many_labels", *columns, folder=args.output)
    table.add(*X.shape, Y.shape[1], Y.nnz, f"{seconds:.0f}", f"{peak:.2f}", clf.best_rule_)
    predicted = clf.predict(X[:1_000]).sum() / 1_000
    print(f"labels an instance: {Y.sum() / Y.shape[0]:.2f} true, {predicted:.2f} predicted (first 1,000 rows)")


if __name__ == "__main__":
    main()
