"""Reuters-21578: newswire stories of 1987 and their topics, in the ModApte split."""

from __future__ import annotations

import html
import os
import re
import tarfile
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from sklearn.utils import Bunch

from sklearn_metalabel.datasets._assemble import as_dataset, check_subset, indicator
from sklearn_metalabel.datasets._fetch import data_folder, fetch

_URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/reuters21578-mld/reuters21578.tar.gz"
_SHA256 = "3bae43c9b14e387f76a61b6d82bf98a4fb5d3ef99ef7e7075ff2ccbcf59f9d30"

_STORY = re.compile(r"<REUTERS\b([^>]*)>(.*?)</REUTERS>", re.DOTALL)
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PARTS = {"TRAIN": "train", "TEST": "test"}

_DESCR = """\
Reuters-21578, ModApte split
----------------------------

Stories that appeared on the Reuters newswire in 1987, labelled with their economic topics by people of
Reuters Ltd. and Carnegie Group, Inc. The rare topics have a handful of stories, the most common thousands.

:Number of samples: {n}
:Number of labels: {L}
:Text: title and body of a story, as printed; the whole text where it is not divided into these
:Split: ModApte: `LEWISSPLIT` is TRAIN or TEST, and `TOPICS` is YES; stories without one of the labels are
    left out
:Source: Reuters-21578, Distribution 1.0, of D. D. Lewis, from the UCI Machine Learning Repository
:Licence: the copyright for the texts and annotations is with Reuters Ltd.; free for research purposes
    only. Whoever publishes results is asked to name the collection as in the line above.
"""


class _Story(NamedTuple):
    """A story of one of the two parts; `topics` may be empty."""

    part: str
    number: int
    topics: tuple
    text: str


def fetch_reuters21578(
    *,
    data_home: str | os.PathLike[str] | None = None,
    subset: Literal["train", "test", "all"] = "train",
    categories: str | Sequence[str] = "modapte90",
    download_if_missing: bool = True,
    url: str = _URL,
    checksum: str | None = _SHA256,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Bunch | Any:
    """Load the stories of Reuters-21578 and their topics, in the ModApte split.

    Downloaded on the first call (8 MB), and read from the original SGML files at each. A long tail of topics
    makes it the usual test of thresholds for rare labels.

    ==================   ==========================
    Labels               90
    Training, test       about 7,770 and 3,020
    Labels per sample    1.2 on average, at least 1
    Data                 text
    ==================   ==========================

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder for data sets; by default scikit-learn's, see :func:`sklearn.datasets.get_data_home`. The archive
        is kept in its subfolder `sklearn_metalabel/reuters21578`.

    subset : {"train", "test", "all"}, default="train"
        Which samples to return. `"all"` is `"train"` followed by `"test"`.

    categories : "modapte90" or array-like of str, default="modapte90"
        Topics that are the labels: those with at least one training and one test story, or the given ones.
        Stories without one of them are left out.

    download_if_missing : bool, default=True
        If False, raise an OSError if the archive is not there, instead of downloading it.

    url : str
        Address of the archive; by default at the UCI Machine Learning Repository.

    checksum : str or None
        SHA-256 that the archive must have; by default the one that scikit-learn's example of out-of-core
        classification has. With None, later calls verify that of the first download.

    return_X_y : bool, default=False
        If True, return `(data, target)` instead of a Bunch.

    as_frame : bool, default=False
        If True, `data` is a pandas Series and `target` a DataFrame.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes

        data : {list of str, Series} of length n_samples
            Title and body of each story; control characters are removed, white space is kept.
        target : {csr_array, DataFrame} of shape (n_samples, n_labels)
            Indicator matrix of the topics, int8.
        target_names : ndarray of str of shape (n_labels,)
            Topics, sorted; the same for every subset.
        ids : ndarray of int of shape (n_samples,)
            `NEWID` of each story.
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
        If the archive is not there and cannot be downloaded, or does not match `checksum`.
    ValueError
        If `subset` or `categories` are unknown, or the archive holds no stories.

    See Also
    --------
    fetch_rcv1_v2 : Far more stories, with a hierarchy of topics.

    Notes
    -----
    The rule gives 7,770 training stories where some papers count 7,769; the 3,019 test stories are the same.

    References
    ----------
    .. [1] C. Apté, F. Damerau, S. M. Weiss, "Automated Learning of Decision Rules for Text Categorization",
       ACM Transactions on Information Systems 12(3), 1994. :doi:`10.1145/183422.183423`

    Examples
    --------
    >>> from sklearn_metalabel.datasets import fetch_reuters21578
    >>> stories = fetch_reuters21578(subset="test")  # doctest: +SKIP
    >>> stories.target.shape  # doctest: +SKIP
    (3019, 90)
    """
    check_subset(subset)
    path = data_folder(data_home, "reuters21578") / "reuters21578.tar.gz"
    stories = _read(fetch(url, path, checksum=checksum, download_if_missing=download_if_missing))
    names = _choose_topics(stories, categories)
    column = {name: j for j, name in enumerate(names)}
    kept = [story for story in stories if subset in (story.part, "all") and not column.keys().isdisjoint(story.topics)]
    pairs = [(i, column[topic]) for i, story in enumerate(kept) for topic in story.topics if topic in column]
    row, label = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    bunch = Bunch(
        data=[story.text for story in kept],
        target=indicator(row, label, (len(kept), len(names))),
        target_names=np.array(names, dtype=str),
        ids=np.array([story.number for story in kept], dtype=np.int64),
        split=np.array([story.part for story in kept], dtype=str),
        frame=None,
        DESCR=_DESCR.format(n=len(kept), L=len(names)),
    )
    return as_dataset(bunch, ["text"], return_X_y=return_X_y, as_frame=as_frame)


def _read(path):
    """Stories of both parts in the archive, training stories first, in the order of their numbers."""
    stories = []
    with tarfile.open(path) as archive:
        for member in archive:
            if member.name.endswith(".sgm"):
                stories += _parse(archive.extractfile(member).read().decode("latin-1"))
    if not stories:
        raise ValueError(f"{path} was wanted with the stories of Reuters-21578 in .sgm files, got none; delete it.")
    return sorted(stories, key=lambda story: (story.part == "test", story.number))


def _parse(sgml):
    """Yield the stories of one file that are in the ModApte split."""
    for head, story in _STORY.findall(sgml):
        attributes = dict(_ATTRIBUTE.findall(head))
        part = _PARTS.get(attributes.get("LEWISSPLIT"))
        if part and attributes.get("TOPICS") == "YES":
            topics = re.findall("<D>(.*?)</D>", _element("TOPICS", story) or "")
            yield _Story(part, int(attributes["NEWID"]), tuple(topics), _text(story))


def _text(story):
    """Title and body of a story; the whole text if it has neither."""
    text = _element("TEXT", story) or ""
    parts = [_clean(_element(name, text) or "") for name in ("TITLE", "BODY")]
    return "\n".join(filter(None, parts)) or _clean(text)


def _element(name, sgml):
    """What stands between the tags of the first element of that name; None if there is none."""
    match = re.search(rf"<{name}\b[^>]*>(.*?)</{name}>", sgml, re.DOTALL)
    return match and match.group(1)


def _clean(sgml):
    """Text without entities, control characters and white space at its ends."""
    return _CONTROL.sub("", html.unescape(sgml)).strip()


def _choose_topics(stories, categories):
    """Sorted names of the topics that are the labels."""
    train, test = (
        {topic for story in stories if story.part == part for topic in story.topics} for part in ("train", "test")
    )
    if isinstance(categories, str):
        categories = train & test if categories == "modapte90" else [categories]
    unknown = sorted(set(categories) - train - test)
    if unknown:
        raise ValueError(f'categories must be "modapte90" or a list of topics that occur; got {", ".join(unknown)}.')
    return sorted(set(categories))
