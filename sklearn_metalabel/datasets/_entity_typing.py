"""Mentions of entities in sentences, with types that form a tree: the FIGER, OntoNotes and BBN files."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Mapping
from operator import index
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from sklearn.utils import Bunch

from sklearn_metalabel.datasets._assemble import as_dataset, check_subset, indicator, parent_indices
from sklearn_metalabel.datasets._fetch import data_folder, fetch, verify
from sklearn_metalabel.utils import shown

_NAMES = ("figer", "ontonotes", "bbn")

_DESCR = """\
Mentions of entities and their types
------------------------------------

Each sample is a mention: a sentence in tokens, and the position of the mention in it. The labels are types
such as /person/artist; a mention has all ancestors of its types.

:Number of samples: {n}
:Number of labels: {L}
:Dropped: {n_dropped} mentions outside their sentence, without a type, or given twice
:Source: {source}

The files "figer" (Wikipedia, with types of Ling and Weld, 2012), "ontonotes" (types of Gillick et al., 2014)
and "bbn" (Weischedel and Brunstein, 2005) are those of X. Ren et al. (2016), AFET: Automatic Fine-Grained
Entity Typing by Hierarchical Partial-Label Embedding, EMNLP. The types of their training mentions come from
a knowledge base, without regard to the context; those of the test mentions from people. The texts of the
last two belong to the Linguistic Data Consortium.
"""


class _Mention(NamedTuple):
    """A mention and where it was found; equal tuples are duplicates."""

    part: str
    document: object
    sentence: object
    tokens: tuple
    start: int
    end: int
    types: tuple

    @property
    def is_usable(self):
        """Whether it lies in its sentence and has a type."""
        return 0 <= self.start < self.end <= len(self.tokens) and bool(self.types)


def load_entity_typing(
    name_or_path: str | os.PathLike[str],
    *,
    subset: Literal["train", "test", "all"] = "train",
    data_home: str | os.PathLike[str] | None = None,
    url: str | None = None,
    checksum: Mapping[str, str] | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Bunch | Any:
    r"""Load mentions of entities with their fine-grained types.

    Reads the files of FIGER (Wiki), OntoNotes and BBN in the format of Ren et al. [1]_, and files of your own in
    this format or with one mention per line. All ancestors of a type are added.

    Parameters
    ----------
    name_or_path : {"figer", "ontonotes", "bbn"}, str or path-like
        A name stands for the folder of that name in the data home, see `data_home`. Otherwise a folder that
        holds `train.json` and `test.json`, or a single file. Each may be compressed, with the ending `.gz`.

    subset : {"train", "test", "all"}, default="train"
        Which samples to return. `"all"` is `"train"` followed by `"test"`; of a single file, it is
        the whole file. Lines of a single file that have no field `split` belong to every subset.

    data_home : str or path-like, default=None
        Folder for data sets; by default scikit-learn's, see :func:`sklearn.datasets.get_data_home`. The files
        of a named data set are looked for in its subfolder `sklearn_metalabel/<name>`.

    url : str, default=None
        Address of a folder with `train.json` and `test.json`, from which missing files are downloaded. There is
        no default: the files have no stable address of their own, and some need a licence.

    checksum : dict of str to str, default=None
        SHA-256 that files must have, by file name. Without one, later calls verify the SHA-256 of the first
        download of a file.

    download_if_missing : bool, default=True
        If False, raise an OSError if a file is not there, instead of downloading it.

    return_X_y : bool, default=False
        If True, return `(data, target)` instead of a Bunch.

    as_frame : bool, default=False
        If True, `data` and `target` are pandas DataFrames.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes

        data : {list of dict, DataFrame} of length n_samples
            `tokens`, list of str, the sentence; `start` and `end`, int: the mention is `tokens[start:end]`.
        target : {csr_array, DataFrame} of shape (n_samples, n_labels)
            Indicator matrix of the types, int8.
        target_names : ndarray of str of shape (n_labels,)
            Paths of the types, sorted: those of both parts where both are there, whatever the subset.
        parents : ndarray of int of shape (n_labels,)
            Index of the parent of each type, -1 at the top.
        sentence_ids, document_ids : ndarray of object of shape (n_samples,) or None
            Where each mention was found, if the files say so.
        split : ndarray of str of shape (n_samples,)
            `"train"` or `"test"`; of a single file, what its lines say, or `subset` where they do not.
        n_dropped : int
            Number of mentions of the subset that were left out: outside their sentence, without a type, or equal
            to an earlier one in every field.
        frame : DataFrame of shape (n_samples, 3 + n_labels) or None
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
        If `subset` is unknown, nothing has the name or path, or a line has another format.

    See Also
    --------
    fetch_reuters21578 : Topics of whole texts.
    sklearn_metalabel.LabelWeightedClassifier : Weights types by their depth, from the array of parents.

    Notes
    -----
    A line of a file is a JSON object, of a sentence with its mentions::

        {
            "tokens": [...],
            "mentions": [{"start": 0, "end": 2, "labels": ["/person/artist"]}, ...],
            "senid": 0,
            "fileid": "...",
        }

    or of a single mention, where `split` and `doc` may be missing::

        {
            "tokens": [...],
            "start": 0,
            "end": 2,
            "labels": [...],
            "split": "train",
            "doc": "...",
        }

    References
    ----------
    .. [1] X. Ren, W. He, M. Qu, L. Huang, H. Ji, J. Han, "AFET: Automatic Fine-Grained Entity Typing by
       Hierarchical Partial-Label Embedding", EMNLP 2016. :doi:`10.18653/v1/D16-1144`. Its repository,
       https://github.com/INK-USC/AFET, links to the files.

    Examples
    --------
    >>> import json, tempfile
    >>> from pathlib import Path
    >>> from sklearn_metalabel.datasets import load_entity_typing
    >>> lines = [
    ...     {
    ...         "tokens": ["Verdi", "died"],
    ...         "start": 0,
    ...         "end": 1,
    ...         "labels": ["/person/artist"],
    ...     },
    ...     {"tokens": ["in", "Milan"], "start": 1, "end": 2, "labels": ["/location"]},
    ... ]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mentions.json"
    ...     _ = path.write_text("\n".join(map(json.dumps, lines)))
    ...     mentions = load_entity_typing(path)
    >>> mentions.data[0]
    {'tokens': ['Verdi', 'died'], 'start': 0, 'end': 1}
    >>> print(*mentions.target_names)
    /location /person /person/artist
    >>> mentions.target.toarray()
    array([[0, 1, 1],
           [1, 0, 0]], dtype=int8)
    """
    check_subset(subset)
    files = _files(name_or_path, subset, data_home, url if download_if_missing else None, checksum or {})
    mentions, names, n_dropped = _read(files, subset)
    column = {name: j for j, name in enumerate(names)}
    row = np.repeat(np.arange(len(mentions)), [len(mention.types) for mention in mentions])
    label = [column[name] for mention in mentions for name in mention.types]
    source = ", ".join(path.name for path in files.values())
    bunch = Bunch(
        data=[{"tokens": list(each.tokens), "start": each.start, "end": each.end} for each in mentions],
        target=indicator(row, label, (len(mentions), len(names))),
        target_names=np.array(names, dtype=str),
        parents=parent_indices(names, lambda name: name.rpartition("/")[0]),
        sentence_ids=_ids([mention.sentence for mention in mentions]),
        document_ids=_ids([mention.document for mention in mentions]),
        split=np.array([mention.part for mention in mentions], dtype=str),
        n_dropped=n_dropped,
        frame=None,
        DESCR=_DESCR.format(n=len(mentions), L=len(names), n_dropped=n_dropped, source=source),
    )
    return as_dataset(bunch, ["tokens", "start", "end"], return_X_y=return_X_y, as_frame=as_frame)


def _files(name_or_path, subset, data_home, url, checksum):
    """Path of each part that is there, downloaded from `url` if it is given; a single file has the part None."""
    if not isinstance(name_or_path, str | os.PathLike):
        raise TypeError(
            f'name_or_path must be "figer", "ontonotes", "bbn", a folder or a file; got {shown(name_or_path)}, which '
            "is no path."
        )
    folder = data_folder(data_home, name_or_path) if name_or_path in _NAMES else Path(name_or_path)
    if folder.is_file():
        return {None: verify(folder, checksum.get(folder.name))}
    if name_or_path not in _NAMES and not folder.exists() and url is None:
        raise ValueError(
            f'name_or_path must be "figer", "ontonotes", "bbn", a folder or a file; got {shown(str(name_or_path))}, '
            "and nothing is there."
        )
    files = {}
    for part in ("train", "test"):
        plain, packed = folder / f"{part}.json", folder / f"{part}.json.gz"
        path = packed if packed.exists() else plain
        if url is not None:
            fetch(f"{url}/{path.name}", path, checksum=checksum.get(path.name))
        if path.exists():
            files[part] = verify(path, checksum.get(path.name))
        elif subset in (part, "all"):
            raise OSError(
                f"{plain.name} (or {packed.name}) is not in {folder}: put train.json and test.json into this folder by "
                "hand, or pass url=, the address of a folder that holds both, with download_if_missing=True."
            )
    return files


def _read(files, subset):
    """Usable mentions of the subset, sorted names of all types of the files, and how many mentions were dropped."""
    mentions, names, n_dropped = {}, set(), 0
    for part, path in files.items():
        for mention in _parse(path, part, subset):
            wanted = subset in (mention.part, "all")
            if not mention.is_usable or mention in mentions:
                n_dropped += wanted
                continue
            names.update(mention.types)
            if wanted:
                mentions[mention] = True
    return list(mentions), sorted(names), n_dropped


def _parse(path, part, subset):
    """Yield the mentions of a file; without a part or a field `split` they belong to the subset."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                mentions = _parse_line(line, part, subset) if line.strip() else []
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{path}, line {number}: wanted a JSON object with tokens and mentions, or with tokens, start, end "
                    f"and labels, got {line[:60]!r}; see the notes of load_entity_typing."
                ) from error
            yield from mentions


def _parse_line(line, part, subset):
    """Mentions of a sentence, or the single mention of the other format."""
    sentence = json.loads(line)
    # A token occurs many times in a corpus, and is stored once.
    tokens = tuple(map(sys.intern, sentence["tokens"]))
    found = part or sentence.get("split", subset), sentence.get("fileid", sentence.get("doc")), sentence.get("senid")
    return [
        _Mention(*found, tokens, index(mention["start"]), index(mention["end"]), _with_ancestors(mention["labels"]))
        for mention in sentence.get("mentions", [sentence])
    ]


def _with_ancestors(types):
    """Sorted paths of the types and of all their ancestors."""
    paths = set()
    for name in types:
        while name:
            paths.add(name)
            name = name.rpartition("/")[0]
    return tuple(sorted(paths))


def _ids(values):
    """Array (n,) of identifiers, None if there are none."""
    return np.array(values, dtype=object) if any(value is not None for value in values) else None
