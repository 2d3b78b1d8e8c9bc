"""What the displays share."""

__all__ = ["INK", "pyplot", "shorten"]

INK = "#33383d"
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
