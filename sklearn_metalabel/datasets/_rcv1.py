"""RCV1-v2: eight hundred thousand newswire stories with a hierarchy of topics."""

from __future__ import annotations

import gzip
import os
from array import array
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from sklearn.utils import Bunch

from sklearn_metalabel.datasets._assemble import as_dataset, check_subset, indicator, parent_indices
from sklearn_metalabel.datasets._fetch import data_folder, fetch

_URL = "http://www.ai.mit.edu/projects/jmlr/papers/volume5/lewis04a"
_TOKENS = {
    "train": ["a12-token-files/lyrl2004_tokens_train.dat.gz"],
    "test": [f"a12-token-files/lyrl2004_tokens_test_pt{k}.dat.gz" for k in range(4)],
}
_TOPICS = "a08-topic-qrels/rcv1-v2.topics.qrels.gz"
_HIERARCHY = "a02-orig-topics-hierarchy/rcv1.topics.hier.orig"

_DESCR = """\
RCV1-v2 with the LYRL2004 split
-------------------------------

Stories of the Reuters newswire from August 1996 to August 1997, labelled with topics that form a tree; a
story has all ancestors of its topics.

:Number of samples: {n}
:Number of labels: {L}
:Text: tokens of a story, separated by spaces: lower case, without stop words, stemmed, and in scrambled
    order, so that no story can be read
:Split: LYRL2004, by date: training stories are older than all test stories
:Source: appendices of D. D. Lewis, Y. Yang, T. G. Rose and F. Li (2004), RCV1: A New Benchmark Collection for
    Text Categorization Research, Journal of Machine Learning Research 5, 361-397
:Licence: these appendices are distributed to everybody; the stories themselves are with Reuters Ltd.
"""


def fetch_rcv1_v2(
    *,
    data_home: str | os.PathLike[str] | None = None,
    subset: Literal["train", "test", "all"] = "train",
    download_if_missing: bool = True,
    url: str = _URL,
    checksum: Mapping[str, str] | None = None,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Bunch | Any:
    """Load the tokens of the stories of RCV1-v2, their topics and the tree of topics.

    Downloaded on the first call: 5 MB for the training stories or 177 MB for the test stories, and the topics.
    Stop words are removed, the others are stemmed, and their order is scrambled.

    ==============   ==================
    Labels           103 in 4 levels
    Training, test   23,149 and 781,265
    Data             tokens, scrambled
    ==============   ==================

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder for data sets; by default scikit-learn's, see :func:`sklearn.datasets.get_data_home`. The files
        are kept in its subfolder `sklearn_metalabel/rcv1_v2`.

    subset : {"train", "test", "all"}, default="train"
        Which samples to return; only their files are downloaded. `"all"` is `"train"` followed by `"test"`.

    download_if_missing : bool, default=True
        If False, raise an OSError if a file is not there, instead of downloading it.

    url : str
        Address of a folder with the subfolders `a12-token-files`, `a08-topic-qrels` and
        `a02-orig-topics-hierarchy`; by default that of the paper's appendices.

    checksum : dict of str to str, default=None
        SHA-256 that files must have, by file name. No checksums have been published for these files: without
        one of yours, later calls verify the SHA-256 of the first download of a file.

    return_X_y : bool, default=False
        If True, return `(data, target)` instead of a Bunch.

    as_frame : bool, default=False
        If True, `data` is a pandas Series and `target` a DataFrame.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes

        data : {list of str, Series} of length n_samples
            Tokens of each story, separated by spaces.
        target : {csr_array, DataFrame} of shape (n_samples, n_labels)
            Indicator matrix of the topics, int8.
        target_names : ndarray of str of shape (n_labels,)
            Codes of the topics, sorted; the same for every subset.
        parents : ndarray of int of shape (n_labels,)
            Index of the parent of each topic, -1 at the top.
        ids : ndarray of int of shape (n_samples,)
            Number of each story in RCV1.
        split : ndarray of str of shape (n_samples,)
            `"train"` or `"test"`.
        frame : DataFrame of shape (n_samples, 1 + n_labels) or None
            Data and target side by side, if `as_frame=True`.
        DESCR : str
            Full description.

    (data, target) : tuple if `return_X_y` is True
        The first two attributes alone.

    Raises
    ------
    OSError
        If a file is not there and cannot be downloaded, or does not match its checksum.
    ValueError
        If `subset` is unknown, or a file holds no stories.

    See Also
    --------
    sklearn.datasets.fetch_rcv1 : The same stories as tf-idf vectors.
    fetch_reuters21578 : Fewer stories, whose text can be read.
    sklearn_metalabel.LabelWeightedClassifier : Weights topics by their depth, from the array of parents.

    Notes
    -----
    Wu, Xiong and Wang [2]_ swap the two parts, and train on the 781,265 stories. A model that depends on the
    order of words needs the stories themselves, which NIST distributes under an agreement.

    References
    ----------
    .. [1] D. D. Lewis, Y. Yang, T. G. Rose, F. Li, "RCV1: A New Benchmark Collection for Text Categorization
       Research", Journal of Machine Learning Research 5, 2004.
    .. [2] J. Wu, W. Xiong, W. Y. Wang, "Learning to Learn and Predict: A Meta-Learning Approach for Multi-Label
       Classification", EMNLP-IJCNLP 2019. :doi:`10.18653/v1/D19-1444`

    Examples
    --------
    >>> from sklearn_metalabel.datasets import fetch_rcv1_v2
    >>> stories = fetch_rcv1_v2()  # doctest: +SKIP
    >>> stories.target.shape  # doctest: +SKIP
    (23149, 103)
    """
    check_subset(subset)

    def local(name):
        path = data_folder(data_home, "rcv1_v2") / name.rpartition("/")[2]
        wanted = (checksum or {}).get(path.name)
        return fetch(f"{url}/{name}", path, checksum=wanted, download_if_missing=download_if_missing)

    parts = [part for part in _TOKENS if subset in (part, "all")]
    files = {part: [local(name) for name in _TOKENS[part]] for part in parts}
    topics, hierarchy = local(_TOPICS), local(_HIERARCHY)
    ids, texts, split = _read_stories(files)
    names, target = _read_topics(topics, ids)
    bunch = Bunch(
        data=texts,
        target=target,
        target_names=np.array(names),
        parents=parent_indices(names, _read_hierarchy(hierarchy).get),
        ids=ids,
        split=split,
        frame=None,
        DESCR=_DESCR.format(n=len(texts), L=len(names)),
    )
    return as_dataset(bunch, ["text"], return_X_y=return_X_y, as_frame=as_frame)


def _read_stories(files):
    """Numbers (n,), texts and parts (n,) of the stories in lists of files by part."""
    ids, texts, sizes = array("q"), [], []
    for paths in files.values():
        before = len(ids)
        for path in paths:
            for number, text in _parse(path):
                ids.append(number)
                texts.append(text)
        sizes.append(len(ids) - before)
        if not sizes[-1]:
            raise ValueError(
                f'{paths[0]} was wanted with stories that begin with a line ".I number", got none; delete it.'
            )
    return np.array(ids), texts, np.repeat(list(files), sizes)


def _parse(path):
    """Yield the number and the text of each story: lines ".I number", ".W", tokens, and an empty one."""
    number, lines = None, []
    with gzip.open(path, "rt", encoding="latin-1") as file:
        for line in file:
            if line.startswith(".I "):
                if number is not None:
                    yield number, " ".join(lines)
                number, lines = int(line[3:]), []
            elif line.strip() not in ("", ".W"):
                lines.append(line.strip())
    if number is not None:
        yield number, " ".join(lines)


def _read_topics(path, ids):
    """Sorted names of all topics, and the indicator CSR (n, L) of the stories with these ids."""
    seen, label, story = {}, array("q"), array("q")
    with gzip.open(path, "rt", encoding="ascii") as file:
        for line in file:
            topic, number, _ = line.split()
            label.append(seen.setdefault(topic, len(seen)))
            story.append(int(number))
    names = sorted(seen)
    column = np.argsort([seen[name] for name in names])[np.array(label)]
    order = np.argsort(ids)
    place = np.searchsorted(ids, story, sorter=order).clip(max=len(ids) - 1)
    row = order[place]
    here = ids[row] == np.array(story)
    return names, indicator(row[here], column[here], (len(ids), len(names)))


def _read_hierarchy(path):
    """Parent of each topic that has one, from lines "parent: CCAT  child: C11  child-description: ..."."""
    words = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return {each[3]: each[1] for each in words if each}
