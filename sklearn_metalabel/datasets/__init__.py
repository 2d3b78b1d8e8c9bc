"""Multi-label data: the paper's corpora, real texts and images that need no download, and a generator."""

from sklearn_metalabel.datasets._docstrings import load_docstrings
from sklearn_metalabel.datasets._entity_typing import load_entity_typing
from sklearn_metalabel.datasets._hierarchical import make_hierarchical_multilabel
from sklearn_metalabel.datasets._multidigits import load_multidigits
from sklearn_metalabel.datasets._rcv1 import fetch_rcv1_v2
from sklearn_metalabel.datasets._reuters import fetch_reuters21578

__all__ = [
    "fetch_rcv1_v2",
    "fetch_reuters21578",
    "load_docstrings",
    "load_entity_typing",
    "load_multidigits",
    "make_hierarchical_multilabel",
]
