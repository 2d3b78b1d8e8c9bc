"""What the user wants to be good at: scorings by scikit-learn's names, scorers and functions of decisions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial, wraps
from inspect import signature
from typing import TypeAlias

import numpy as np
from sklearn import get_config
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.utils.metadata_routing import get_routing_for_object

from sklearn_metalabel.utils import Target, label_sums, shown, takes_sample_weight, weights_differ

__all__ = ["DEFAULT_SCORING", "NAMED_SCORES", "Scoring", "function_name", "unique_name"]

ScoreFunction: TypeAlias = Callable[..., float]

DEFAULT_SCORING = ("accuracy", "f1_micro", "f1_macro")


def _f1(true_positives, predicted, positives):
    """F1 from counts, 0 where nothing is positive and nothing predicted."""
    return 2 * true_positives / np.maximum(predicted + positives, np.finfo(np.float64).tiny)


def _mean(values, weight):
    """Mean over samples, by weight."""
    return float(values.mean() if weight is None else weight @ values / weight.sum())


def _counts(Y, D, weight):
    """True positives, predictions and positives of each label, by weight."""
    both = (Y & D, D, Y)
    return [each.sum(axis=0) if weight is None else label_sums(each, weight) for each in both]


def _accuracy(Y, D, weight=None):
    """Share of the samples whose labels are all right."""
    return _mean((Y == D).all(axis=1), weight)


def _f1_micro(Y, D, weight=None):
    """F1 of all decisions pooled."""
    return float(_f1(*(count.sum() for count in _counts(Y, D, weight))))


def _f1_macro(Y, D, weight=None):
    """Mean F1 of the labels."""
    return float(_f1(*_counts(Y, D, weight)).mean())


def _f1_samples(Y, D, weight=None):
    """Mean F1 of the samples."""
    return _mean(_f1(*(each.sum(axis=1) for each in (Y & D, D, Y))), weight)


# Computed from boolean matrices here, many times faster than by scikit-learn, and known in closed form to the
# prediction policies that follow a gradient.
NAMED_SCORES: dict[str, ScoreFunction] = {
    "accuracy": _accuracy,
    "f1_micro": _f1_micro,
    "f1_macro": _f1_macro,
    "f1_samples": _f1_samples,
}


@dataclass(frozen=True)
class Scoring:
    """One or several scores of decisions, whose mean is what counts; higher is better.

    `parts` maps the name of each score to a name in `NAMED_SCORES` or to a function (y_true, y_pred) -> float, which is
    given indicator matrices; for one label it is given vectors, in `classes` where these are two classes. Samples of
    weight 0 are left out. Other weights go to functions that take `sample_weight`; those that take none are called
    where all weights are equal, and refused where they are not.
    """

    parts: dict[str, str | ScoreFunction]
    classes: np.ndarray | None = None

    @classmethod
    def resolve(cls, given: object) -> Scoring:
        """Scoring of what a user passes, or raise.

        `given` is a name of scikit-learn, a scorer that reads predictions, a function (y_true, y_pred) -> float, or a
        sequence of these. The same name twice counts twice.
        """
        several = isinstance(given, tuple | list) and len(given) > 0
        parts: dict[str, str | ScoreFunction] = {}
        for each in given if several else [given]:  # type: ignore[attr-defined]
            part = _resolve_part(each)
            name = each if isinstance(each, str) else function_name(part)
            parts[unique_name(name, parts)] = part
        return cls(parts)

    def for_target(self, target: Target) -> Scoring:
        """The same scoring; of two classes, functions see the classes themselves."""
        return replace(self, classes=target.classes if target.kind == "binary" else None)

    @property
    def named_weights(self) -> dict[str, float]:
        """Weight of each name of `NAMED_SCORES`, summing to 1; those of the default where no part has such a name."""
        names = [part for part in self.parts.values() if isinstance(part, str)] or list(DEFAULT_SCORING)
        return {name: names.count(name) / len(names) for name in dict.fromkeys(names)}

    @property
    def is_named(self) -> bool:
        """Whether all parts have names of `NAMED_SCORES`."""
        return all(isinstance(part, str) for part in self.parts.values())

    def __call__(self, Y: np.ndarray, D: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        """Mean score of decisions D against the truth Y, both of shape (n, L), by weights (n,)."""
        return float(np.mean(list(self.by_part(Y, D, sample_weight).values())))

    def by_part(self, Y: np.ndarray, D: np.ndarray, sample_weight: np.ndarray | None = None) -> dict[str, float]:
        """Score of each part by its name."""
        if sample_weight is not None:
            Y, D, sample_weight = _samples_that_count(Y, D, sample_weight)
            self.check_weights(sample_weight)
        return {name: self._score(part, Y, D, sample_weight) for name, part in self.parts.items()}

    def check(self, n_labels: int, sample_weight: np.ndarray | None = None) -> None:
        """Raise where a part cannot score label sets, by scoring two samples; nothing else is needed for that.

        With weights of the samples to be scored also where a part cannot weight them.
        """
        self.check_weights(sample_weight)
        Y = np.zeros((2, n_labels), dtype=bool)
        Y[0, 0] = True
        Y[1, -1] = n_labels > 1
        weight = np.array([1.0, 2.0]) if weights_differ(sample_weight) else None
        for name, part in self.parts.items():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self._score(part, Y, Y, weight)
            except Exception as error:  # a user's function may raise anything
                raise ValueError(
                    f"scoring={name!r} cannot score label sets: {type(error).__name__}: {error} Pass a scorer that "
                    'reads indicator matrices, such as "f1_macro", or a function (y_true, y_pred) -> float.'
                ) from error

    def check_weights(self, sample_weight: np.ndarray | None) -> None:
        """Raise where weights above 0 differ and a part takes none."""
        if not weights_differ(sample_weight):
            return
        for name, part in self.parts.items():
            if not isinstance(part, str) and not takes_sample_weight(part) and not hasattr(part, "unweighted"):
                raise ValueError(
                    f"scoring={name!r} takes no sample_weight, and the weights of the samples differ; give it a "
                    "parameter of that name, or pass no sample_weight."
                )

    def _score(self, part, Y, D, weight):
        """Score by a name or a function."""
        if isinstance(part, str):
            return NAMED_SCORES[part](Y.astype(bool, copy=False), D.astype(bool, copy=False), weight)
        Y, D = Y.astype(int), D.astype(int)
        if Y.shape[1] == 1:
            Y, D = (each[:, 0] if self.classes is None else self.classes[each[:, 0]] for each in (Y, D))
        if weight is None or hasattr(part, "unweighted"):
            return float(part(Y, D))
        return float(part(Y, D, sample_weight=weight))


def _samples_that_count(Y, D, sample_weight):
    """Truth, decisions and weights of the samples of weight above 0; no weights where these are equal."""
    if not sample_weight.all():
        kept = np.flatnonzero(sample_weight)
        Y, D, sample_weight = Y[kept], D[kept], sample_weight[kept]
    return Y, D, sample_weight if weights_differ(sample_weight) else None


def function_name(function: object) -> str:
    """Name of a function, of the function inside a partial, or of the class of an object."""
    inner = function.func if isinstance(function, partial) else function
    return getattr(inner, "__name__", type(inner).__name__)


def unique_name(name: str, taken: object) -> str:
    """`name`, with a number where it is in `taken`."""
    number, candidate = 1, name
    while candidate in taken:  # type: ignore[operator]
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def _resolve_part(given):
    """A name in `NAMED_SCORES` or a function."""
    if isinstance(given, str) and given in NAMED_SCORES:
        return given
    part = get_scorer(given) if isinstance(given, str) and given in get_scorer_names() else given
    if getattr(part, "_response_method", None) == "predict":
        return _function_of_decisions(part)
    if callable(part) and not hasattr(part, "_response_method"):
        return part
    raise ValueError(
        f"scoring must be one of {sorted(NAMED_SCORES)}, a scorer of scikit-learn that reads predictions (such as "
        f'"jaccard_macro"), a function (y_true, y_pred) -> float, or several of these, got {shown(part)}.'
    )


def _function_of_decisions(scorer):
    """The function (y_true, y_pred) -> float inside a scorer, which counts 0/0 as 0 without a warning.

    A scorer that says so by metadata routing is not given the weights of samples.
    """
    options = dict(scorer._kwargs)
    if "zero_division" in signature(scorer._score_func).parameters:
        options.setdefault("zero_division", 0)

    @wraps(scorer._score_func)
    def score(y_true, y_pred, **weights):
        return scorer._sign * scorer._score_func(y_true, y_pred, **options, **weights)

    if get_config()["enable_metadata_routing"]:
        asked = get_routing_for_object(scorer).score.requests.get("sample_weight")
        if asked is False:
            score.unweighted = True
        elif isinstance(asked, str):
            raise ValueError(
                f"scoring={function_name(score)!r} asks for the metadata {asked!r} as sample_weight, which is not "
                "passed on; use set_score_request(sample_weight=True)."
            )
    return score
