"""What estimators print while they are fitted."""

import time

__all__ = ["TimedLines"]


class TimedLines:
    """Prints lines with the seconds since it was made, where `verbose` says so."""

    def __init__(self, verbose):
        self.verbose, self._began = bool(verbose), time.perf_counter()

    def __call__(self, text):
        """Print a line."""
        if self.verbose:
            print(f"[{time.perf_counter() - self._began:7.1f} s] {text}")  # noqa: T201
