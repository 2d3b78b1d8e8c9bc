"""The course of a training policy over its runs and steps."""

import numpy as np

from sklearn_metalabel.inspection._drawing import BLUE, INK, PALE, plain, shorten

__all__ = ["OF_LABELS", "Course"]

# What a history may have for each label: its key, the column of the table, and what it is called in the figure.
OF_LABELS = {
    "weights": ("weight", "Weight of the loss"),
    "positive_weights": ("positive_weight", "Weight of positives"),
    "thresholds": ("threshold", "Threshold"),
}
_OF_STEPS = {"reward": "Reward", "baseline": "Baseline", "focus": "Focus on hard negatives"}
_GREEDY = "greedy_"


class Course:
    """The arrays of a history that are by run and step, checked against each other."""

    def __init__(self, history, n_labels):
        self.steps = {name: np.asarray(history[name], dtype=float) for name in _OF_STEPS if name in history}
        self.labels, self.greedy = {}, {}
        for name in OF_LABELS:
            for kept, key in ((self.labels, name), (self.greedy, _GREEDY + name)):
                if history.get(key) is not None:
                    kept[name] = np.asarray(history[key], dtype=float)
        shapes = {name: values.shape for name, values in self.steps.items()}
        shapes |= {name: values.shape[:2] for name, values in self.labels.items()}
        self.shape = next(iter(shapes.values()), None)
        for name, values in (*self.labels.items(), *self.greedy.items()):
            if values.shape[-1:] != (n_labels,):
                raise ValueError(f"history[{name!r}] must end with one entry for each of the {n_labels} labels, got "
                                 f"shape {values.shape}.")  # fmt: skip
        if len(set(shapes.values())) > 1 or (shapes and len(self.shape) != 2):
            found = ", ".join(f"{shape} for {name}" for name, shape in shapes.items())
            raise ValueError(f"Arrays of the history must agree in runs and steps, got {found}.")

    def panels(self):
        """What varies, in the order in which it is drawn, and a sentence on what does not."""
        drawn, same = [], []
        shown = {"reward": self.steps.get("reward"), **{name: self.of_labels(name) for name in OF_LABELS}}
        for name, values in {**shown, "focus": self.steps.get("focus")}.items():
            if values is None or not np.isfinite(values).any():
                continue
            if np.unique(values[np.isfinite(values)]).size > 1:
                drawn.append(name)
            else:
                word = OF_LABELS[name][0].replace("_", " ") if name in OF_LABELS else name
                same.append(f"{word} {values[np.isfinite(values)][0]:g}")
        return drawn, f"all steps: {', '.join(same)}" if same else ""

    def of_labels(self, name):
        """What is drawn of the labels (n_steps, L): the greedy episode, or the mean of the runs; None if not known."""
        if name in self.greedy:
            return self.greedy[name]
        if name not in self.labels:
            return None
        values = self.labels[name]
        positive = name != "thresholds" and (values > 0).all()
        return np.exp(np.log(values).mean(axis=0)) if positive else values.mean(axis=0)

    def most_changed(self, n_drawn):
        """Indices of the labels that change most over the steps, or differ most from the others, ranked at the end."""
        change, last = 0.0, None
        for name in OF_LABELS:
            values = self.of_labels(name)
            if values is not None:
                z = np.log(values) if name != "thresholds" and (values > 0).all() else values
                far = np.abs(z - np.median(z)).max(axis=0)
                change = change + far / (far.max() or 1.0)
                last = values[-1] if last is None or np.ptp(last) == 0 else last
        if last is None:
            return np.empty(0, dtype=np.intp)
        chosen = np.argsort(-change, kind="stable")[:n_drawn]
        return chosen[np.argsort(-last[chosen], kind="stable")]

    def draw_steps(self, axes, name):
        """A number over the steps, a pale line for each run; rewards by run where the policy learns from run to run."""
        values = self.steps[name]
        plain(axes)
        axes.set_title(_OF_STEPS[name], loc="left", fontsize="small", color=INK)
        if name == "reward" and self.greedy and len(values) > 1:
            axes.plot(np.arange(1, len(values) + 1), _mean(values, 1), color=BLUE, marker="o", markersize=4)
            axes.set_xlabel("Episode (mean of its steps)")
        else:
            steps = np.arange(1, values.shape[1] + 1)
            if len(values) > 1:
                axes.plot(steps, values.T, color=PALE, linewidth=0.8, alpha=0.7)
            axes.plot(steps, _mean(values, 0), color=BLUE, linewidth=2)
            if name == "reward" and "baseline" in self.steps:
                axes.plot(steps, _mean(self.steps["baseline"], 0), color=INK, linewidth=1, linestyle=(0, (4, 3)))
                axes.set_title("Reward (dashed: baseline)", loc="left", fontsize="small", color=INK)
            axes.set_xlabel("Step" if len(values) == 1 else f"Step (pale: {len(values)} runs, blue: their mean)")
        axes.xaxis.get_major_locator().set_params(integer=True)

    def draw_labels(self, axes, name, labels, label_names):
        """Heat map of labels over steps; weights on a logarithmic scale around 1."""
        from matplotlib.colors import LogNorm

        values = self.of_labels(name)[:, labels].T
        options = {"cmap": "viridis"}
        if name != "thresholds" and (values > 0).all():
            far = max(np.exp(np.abs(np.log(values)).max()), 1.01)
            options = {"cmap": "RdBu_r", "norm": LogNorm(1 / far, far)}
        extent = (0.5, values.shape[1] + 0.5, len(labels) - 0.5, -0.5)
        image = axes.imshow(values, aspect="auto", interpolation="nearest", extent=extent, **options)
        names = [] if label_names is None else [shorten(str(label_names[j])) for j in labels]
        axes.set_yticks(np.arange(len(labels)), names, fontsize=8)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("Step")
        which = " (greedy episode)" if name in self.greedy else ""
        n_runs = len(self.labels[name]) if name in self.labels and not which else 1
        which = f" (mean of {n_runs} runs)" if n_runs > 1 else which
        axes.set_title(OF_LABELS[name][1] + which, loc="left", fontsize="small", color=INK)
        bar = axes.figure.colorbar(image, ax=axes, shrink=0.8)
        if "norm" in options:
            ticks = _factors(options["norm"].vmax)
            bar.set_ticks(ticks, labels=[f"{tick:.3g}" for tick in ticks])
            bar.ax.minorticks_off()

    def rewards_frame(self):
        """A row for each run and step."""
        import pandas as pd

        run, step = (part.ravel() for part in np.indices(self.shape or (0, 0)))
        return pd.DataFrame({"run": run, "step": step, **{name: each.ravel() for name, each in self.steps.items()}})

    def labels_frame(self, label_names):
        """A row for each run, step and label; run -1 is the greedy episode."""
        import pandas as pd

        parts = [
            _long({name: values[None] for name, values in self.greedy.items()}, label_names, -1),
            _long(self.labels, label_names, 0),
        ]
        parts = [part for part in parts if part is not None]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"run": [], "step": [], "label": []})


def _long(arrays, label_names, first_run):
    """Arrays (n_runs, n_steps, L) as a frame with a row for each number, or None where there are none."""
    import pandas as pd

    if not arrays:
        return None
    run, step, label = (part.ravel() for part in np.indices(next(iter(arrays.values())).shape))
    columns = {OF_LABELS[name][0]: values.ravel() for name, values in arrays.items()}
    return pd.DataFrame({"run": run + first_run, "step": step, "label": label_names[label], **columns})


def _mean(values, axis):
    """Mean of what is finite."""
    return np.ma.masked_invalid(values).mean(axis=axis)


def _factors(most):
    """Three or five even factors from 1 / most to most."""
    return np.geomspace(1 / most, most, 5 if most > 2 else 3)
