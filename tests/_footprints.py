"""What workers import: a module and a reward that tell where a training run was made."""

import json
import os
from pathlib import Path

from torch import nn

from sklearn_metalabel.utils import current_threads


class Footprint:
    """A reward that notes the process and the thread counts it was computed in, one file for each process."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, Y, P, thresholds):
        with (Path(self.folder) / str(os.getpid())).open("a") as file:
            file.write(json.dumps(current_threads()) + "\n")
        return -((Y - P) ** 2).mean(axis=0)

    def processes(self):
        """Numbers of the processes that computed it."""
        return {int(path.name) for path in Path(self.folder).iterdir()}

    def threads(self):
        """Thread counts that were seen, without repetition."""
        seen = {line for path in Path(self.folder).iterdir() for line in path.read_text().splitlines()}
        return [json.loads(line) for line in sorted(seen)]


class Dropped(nn.Module):
    """One hidden layer with dropout, which draws from torch's generator at every update."""

    def __init__(self, n_features, n_labels):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(n_features, 12), nn.ReLU(), nn.Dropout(0.5), nn.Linear(12, n_labels))

    def forward(self, x):
        return self.layers(x)
