"""Tables that are printed row by row and kept as CSV files, from which the documentation shows them."""

import csv
from pathlib import Path

__all__ = ["Table"]

RESULTS = Path(__file__).parent / "results"


class Table:
    """Rows of text cells; the file is rewritten after each row, so that an interrupted run leaves what it has."""

    def __init__(self, name, *columns, folder=None):
        folder = RESULTS if folder is None else Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.rows = folder / f"{name}.csv", [columns]
        self.width = [max(len(column), 10) for column in columns]
        self._print(columns)

    def add(self, *cells):
        """Print a row and keep it."""
        self.rows.append(tuple(str(cell) for cell in cells))
        self._print(self.rows[-1])
        with self.path.open("w", newline="") as file:
            csv.writer(file).writerows(self.rows)

    def _print(self, cells):
        self.width = [max(w, len(cell)) for w, cell in zip(self.width, cells, strict=True)]
        print("  ".join(cell.rjust(w) for cell, w in zip(cells, self.width, strict=True)), flush=True)
