"""What a training policy tried, and what it was worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import NotFittedError

from sklearn_metalabel.inspection._classifiers import through_steps
from sklearn_metalabel.inspection._course import OF_LABELS, Course
from sklearn_metalabel.inspection._drawing import BLUE, INK, PALE, label_indices, panels, row_panel
from sklearn_metalabel.policies import PolicySearch

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["TrainingPolicyDisplay"]

_MAX_LABELS = 20
_PROPOSALS = ("proposal", "reward", "gain", "error", "score")


class TrainingPolicyDisplay:
    """What a training policy tried, by name, and what it was worth.

    Of a policy that compares proposals, such as :class:`~sklearn_metalabel.policies.PolicySearch`: how far the reward
    of each is ahead of the user's own weights, with its standard error, and the score of those that were scored. Of one
    that acts step by step, such as :class:`~sklearn_metalabel.policies.SharedGRUPolicy`: its rewards, and the weights
    of the labels over the steps. A panel in which nothing would vary is not drawn, and the title says so. Create it by
    :meth:`from_estimator`.

    Parameters
    ----------
    proposals : dict of str -> ndarray of shape (n_proposals,), default=None
        "proposal" (names), "reward", "gain", "error" and "score"; NaN where it is not known.

    history : dict of str -> ndarray, default=None
        Any of "reward", "baseline" and "focus" of shape (n_runs, n_steps), "weights", "positive_weights" and
        "thresholds" of shape (n_runs, n_steps, n_labels), and "greedy_weights" and "greedy_thresholds" of shape
        (n_steps, n_labels), which are drawn in the place of the runs. Other keys are left alone.

    label_names : array-like of str of shape (n_labels,)
        Names of the labels.

    best_proposal : str, default=None
        The proposal that was taken.

    policy_name : str, default="Training policy"
        What the policy is called.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, once drawn.

    axes_ : ndarray of shape (n_panels,) of matplotlib Axes
        The panels.

    ax_ : matplotlib Axes
        The first panel.

    panels_ : list of str
        What each panel shows: "gain", "reward" and "score" of proposals, or "reward", "weights", "positive_weights",
        "thresholds" and "focus" of a course.

    labels_ : ndarray of shape (n_drawn,) or None
        Indices of the labels drawn; None for proposals.

    Raises
    ------
    ValueError
        If there is nothing to draw, or the arrays do not fit each other.

    See Also
    --------
    PolicyDisplay : The weights and thresholds that were chosen.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.inspection import TrainingPolicyDisplay
    >>> history = {
    ...     "reward": np.array([[0.2, 0.3]]),
    ...     "weights": np.array([[[1.0, 1.0], [0.5, 1.5]]]),
    ... }
    >>> TrainingPolicyDisplay(history=history, label_names=["common", "rare"]).frame()
       run  step   label  weight
    0    0     0  common     1.0
    1    0     0    rare     1.0
    2    0     1  common     0.5
    3    0     1    rare     1.5
    """

    def __init__(self, *, proposals=None, history=None, label_names, best_proposal=None, policy_name="Training policy"):
        self.label_names = np.asarray([str(name) for name in label_names], dtype=object)
        self.proposals = proposals
        self.history = {} if history is None else history
        self.best_proposal = best_proposal
        self.policy_name = policy_name
        missing = [] if proposals is None else [name for name in _PROPOSALS if name not in proposals]
        if missing:
            raise ValueError(f"proposals must have {', '.join(_PROPOSALS)}, and lacks {', '.join(missing)}.")
        self._course = Course(self.history, self.label_names.size)

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, kind: str = "auto", labels: Any = None, ax: Any = None
    ) -> TrainingPolicyDisplay:
        """Draw what the training policy of a fitted classifier tried.

        Parameters
        ----------
        estimator : MetaPolicyClassifier
            Fitted, or a pipeline or search that ends in one.

        kind : {"auto", "proposals", "course"}, default="auto"
            What to draw; see :meth:`plot`.

        labels : list, default=None
            Labels to draw; see :meth:`plot`.

        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw; see :meth:`plot`.

        Returns
        -------
        display : TrainingPolicyDisplay
            With the figure drawn.
        """
        estimator, _ = through_steps(estimator)
        if not hasattr(estimator, "training_policy"):
            raise TypeError(
                f"TrainingPolicyDisplay needs a MetaPolicyClassifier, and {type(estimator).__name__} has no training "
                "policy; PolicyDisplay draws what was chosen for each label, and cv_results_ has what was compared."
            )
        if not hasattr(estimator, "training_policy_"):
            raise NotFittedError(
                f"TrainingPolicyDisplay needs a fitted classifier; this {type(estimator).__name__} has no "
                "training_policy_. Call fit first."
            )
        policy = estimator.training_policy_
        history = getattr(policy, "history_", {})
        if isinstance(policy, PolicySearch):  # what it has of runs are its proposals, one after the other
            history = {}
        display = cls(
            proposals=getattr(policy, "proposals_", None),
            history=history,
            label_names=estimator.label_names_,
            best_proposal=getattr(policy, "best_proposal_", None),
            policy_name=type(policy).__name__,
        )
        return display.plot(ax=ax, kind=kind, labels=labels)

    def plot(self, ax: Any = None, *, kind: str = "auto", labels: Any = None) -> TrainingPolicyDisplay:
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            One for each panel, or one that is replaced by the panels in its place; None makes a figure.

        kind : {"auto", "proposals", "course"}, default="auto"
            Whether to draw the proposals or the course over the steps; "auto" draws the course where there is one.

        labels : list, default=None
            Names or indices of the labels whose course is drawn; None takes those that change most, 20 at most.

        Returns
        -------
        display : TrainingPolicyDisplay
            Itself, with the attributes that end in an underscore set.
        """
        if self._kind(kind) == "proposals":
            if labels is not None:
                raise ValueError("labels chooses the labels of a course, and proposals are for all labels.")
            return self._plot_proposals(ax)
        return self._plot_course(ax, labels)

    def frame(self, kind: str = "auto") -> DataFrame:
        """Give the numbers as a table, by the names of proposals or labels.

        Parameters
        ----------
        kind : {"auto", "proposals", "course", "rewards"}, default="auto"
            "proposals" has a row for each proposal; "course" one for each run, step and label, with its "weight",
            "positive_weight" and "threshold"; "rewards" one for each run and step, with "reward", "baseline" and
            "focus"; each where they are known. "auto" is "course" where there is one, else "proposals".

        Returns
        -------
        frame : DataFrame
            The table. In the column "run", -1 is the greedy episode.
        """
        import pandas as pd

        if kind == "rewards":
            return self._course.rewards_frame()
        if self._kind(kind) == "course":
            return self._course.labels_frame(self.label_names)
        return pd.DataFrame({name: self.proposals[name] for name in _PROPOSALS})

    def __repr__(self):
        found = [] if self.proposals is None else [f"{len(self.proposals['proposal'])} proposals"]
        if self._course.shape is not None:
            found.append(f"{self._course.shape[0]} runs of {self._course.shape[1]} steps")
        taken = "" if self.best_proposal is None else f", took {self.best_proposal!r}"
        return f"TrainingPolicyDisplay({self.policy_name}: {', '.join(found) or 'nothing tried'}{taken})"

    def _kind(self, kind):
        """Proposals or course, where there is such a thing."""
        if kind not in ("auto", "proposals", "course"):
            raise ValueError(f'kind must be "auto", "proposals" or "course", got {kind!r}.')
        known = {"course": self._course.shape is not None, "proposals": self.proposals is not None}
        if kind == "auto":
            kind = next((name for name in known if known[name]), "auto")
        if not known.get(kind, False):
            what = {"proposals": "has no proposals", "course": "has no course over steps"}.get(kind, "tried nothing")
            raise ValueError(f"{self.policy_name} {what} to draw; PolicyDisplay draws the weights that it took.")
        return kind

    def _plot_proposals(self, ax):
        """Draw a row for each proposal."""
        table = {name: np.asarray(self.proposals[name]) for name in _PROPOSALS}
        relative = "gain" if np.isfinite(table["gain"].astype(float)).any() else "reward"
        self.panels_ = [name for name in (relative, "score") if _varies(table[name].astype(float))]
        names = [str(name) for name in table["proposal"]]
        if not self.panels_:
            raise ValueError(
                f"{self.policy_name} tried {', '.join(names)} alone, or found no difference, so that there is nothing "
                "to draw."
            )
        size = (2.4 + 3.4 * len(self.panels_), 1.6 + 0.3 * len(names))
        self.figure_, self.axes_ = panels("TrainingPolicyDisplay", ax, len(self.panels_), size=size)
        self.ax_, self.labels_ = self.axes_[0], None
        titles = {
            "gain": "Reward beyond the user's own weights,\nwith its standard error",
            "reward": "Reward of held-out rows",
            "score": "Score of held-out rows,\nafter thresholds",
        }
        for axes, name in zip(self.axes_, self.panels_, strict=True):
            self._draw_proposals(axes, table, name)
            axes.set_xlabel(titles[name])
        self.ax_.set_yticks(np.arange(len(names)), names, color=INK)
        if self.best_proposal is not None:
            self.ax_.set_title(f"taken: {self.best_proposal}", loc="left", fontsize="small", color=INK)
        return self

    def _draw_proposals(self, axes, table, name):
        """Dots of one column, the one that was taken in colour."""
        values, rows = table[name].astype(float), np.arange(len(table[name]))
        taken = np.array([proposal == self.best_proposal for proposal in table["proposal"]])
        colors = np.where(taken, BLUE, PALE)
        if name == "gain":
            axes.axvline(0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
            axes.hlines(rows, values - table["error"], values + table["error"], color=colors, zorder=2)
        axes.scatter(values, rows, s=38, color=colors, zorder=3)
        row_panel(axes, rows.size)

    def _plot_course(self, ax, labels):
        """Draw rewards, and the labels over the steps."""
        course = self._course
        self.panels_, note = course.panels()
        if not self.panels_:
            raise ValueError(f"Nothing varies over the course of {self.policy_name} ({note}), so nothing is drawn.")
        self.labels_ = course.most_changed(_MAX_LABELS) if labels is None else label_indices(labels, self.label_names)
        widths = [1.4 if name in OF_LABELS else 1.0 for name in self.panels_]
        size = (1.4 + 3.0 * sum(widths), max(2.8, 1.3 + 0.24 * self.labels_.size))
        self.figure_, self.axes_ = panels("TrainingPolicyDisplay", ax, len(self.panels_), size=size, widths=widths)
        self.ax_ = self.axes_[0]
        named = False
        for axes, name in zip(self.axes_, self.panels_, strict=True):
            if name in OF_LABELS:
                course.draw_labels(axes, name, self.labels_, None if named else self.label_names)
                named = True
            else:
                course.draw_steps(axes, name)
        self.ax_.set_title("\n".join(filter(None, [self.ax_.get_title("left"), note])), loc="left", fontsize="small")
        return self


def _varies(values):
    """Whether there are two different numbers."""
    return np.unique(values[np.isfinite(values)]).size > 1
