"""What the displays share."""

from numbers import Integral

import numpy as np

from sklearn_metalabel.utils import shown

__all__ = [
    "BLUE",
    "INK",
    "PALE",
    "RED",
    "label_indices",
    "panels",
    "plain",
    "pyplot",
    "row_panel",
    "shorten",
    "spread_ranks",
]

INK, PALE, BLUE, RED = "#33383d", "#9aa1a8", "#2f6db3", "#c8553d"
_MAX_NAME = 30


def pyplot(name):
    """`matplotlib.pyplot`, or one sentence on how to get it for the display of this name."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{name} draws with matplotlib, which is missing; pip install sklearn-metalabel[plot]."
        ) from error
    return plt


def shorten(name):
    """Keep the end of a long name, which in a path tells most."""
    return name if len(name) <= _MAX_NAME else "…" + name[1 - _MAX_NAME :]


def plain(axes):
    """Take away the frame but for the axes that carry numbers."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)


def row_panel(axes, n_rows):
    """A panel of which each row is a label or a proposal, the first at the top, with few numbers below."""
    plain(axes)
    axes.grid(axis="y", color="#eceef0", linewidth=0.8)
    axes.spines["left"].set_visible(False)
    axes.set_yticks(np.arange(n_rows), [])
    axes.set_ylim(n_rows - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=5)


def panels(name, ax, n_panels, *, size, n_columns=None, widths=None):
    """Figure and its panels: Axes that were given, put into the place of one, or in a new figure of `size` inches."""
    plt = pyplot(name)
    n_columns = n_panels if n_columns is None else min(n_columns, n_panels)
    grid = {"nrows": -(-n_panels // n_columns), "ncols": n_columns, "width_ratios": widths}
    if ax is not None and np.size(ax) == n_panels:
        axes = np.ravel(ax)
        return axes[0].figure, axes
    if ax is None:
        figure = plt.figure(figsize=size, layout="constrained")
        cells = figure.add_gridspec(**grid)
    elif np.size(ax) != 1:
        wanted = "one Axes" if n_panels == 1 else f"one Axes or {n_panels}"
        raise ValueError(f"ax must be {wanted}; got {np.size(ax)}.")
    else:
        place = np.ravel(ax)[0]
        if place.get_subplotspec() is None:
            raise ValueError(
                f"ax must come from plt.subplots or add_subplot to be split in {n_panels}; or pass {n_panels} Axes."
            )
        place.set_axis_off()
        figure, cells = place.figure, place.get_subplotspec().subgridspec(**grid)
    places = [(k // n_columns, k % n_columns) for k in range(n_panels)]
    return figure, np.array([figure.add_subplot(cells[place]) for place in places])


def spread_ranks(n, n_drawn):
    """Ranks of at most `n_drawn` of `n` things, evenly over them."""
    return np.round(np.linspace(0, n - 1, min(n, n_drawn))).astype(np.intp)


def label_indices(labels, label_names):
    """Indices of labels given by their names or indices, in the order given, each once."""
    position = {name: j for j, name in enumerate(label_names.tolist())}
    # An array would turn a list of names and indices into names alone.
    labels = labels.tolist() if isinstance(labels, np.ndarray) else labels
    if not np.iterable(labels):
        raise TypeError(f"labels must be a rule, or a list of names or indices; got {shown(labels)}.")
    indices = [_index(label, position, len(label_names)) for label in labels]
    if not indices:
        raise ValueError("labels must name at least one label; got an empty list.")
    return np.array(list(dict.fromkeys(indices)), dtype=np.intp)


def _index(label, position, n_labels):
    """Index of a label given by name or index."""
    if label in position:
        return position[label]
    if isinstance(label, Integral) and not isinstance(label, bool) and -n_labels <= label < n_labels:
        return label % n_labels
    raise ValueError(
        f"labels must be names in label_names or indices below {n_labels}; got {shown(label)}, which is neither."
    )
