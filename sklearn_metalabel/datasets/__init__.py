"""Multi-label data that needs no download: real images and a controlled generator."""

from sklearn_metalabel.datasets._hierarchical import make_hierarchical_multilabel
from sklearn_metalabel.datasets._multidigits import load_multidigits

__all__ = ["load_multidigits", "make_hierarchical_multilabel"]
