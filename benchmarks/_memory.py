"""Peak memory of a process that measures itself."""

import resource
import sys
from pathlib import Path

__all__ = ["peak_mebibytes"]


def peak_mebibytes():
    """Peak resident memory of this process in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        # What `resource` says starts, on Linux, from the memory of the process that started this one.
        (peak,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** (20 if sys.platform == "darwin" else 10)
