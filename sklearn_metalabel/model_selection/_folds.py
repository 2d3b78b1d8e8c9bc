"""What the splitters into K folds have in common."""

from numbers import Integral

from sklearn.model_selection import BaseCrossValidator

from sklearn_metalabel.utils import shown

__all__ = ["StratifiedFolds"]


class StratifiedFolds(BaseCrossValidator):
    """A splitter into `n_splits` folds, shuffled or not."""

    def __init__(self, n_splits=5, *, shuffle=False, random_state=None):
        if not isinstance(n_splits, Integral) or n_splits < 2:
            raise ValueError(f"n_splits must be an integer of at least 2; got {shown(n_splits)}.")
        if not isinstance(shuffle, bool):
            raise TypeError(f"shuffle must be True or False; got {shown(shuffle)}.")
        if not shuffle and random_state is not None:
            raise ValueError(
                f"random_state={random_state!r} has no effect with shuffle=False; set shuffle=True "
                "or leave random_state at None."
            )
        self.n_splits = int(n_splits)
        self.shuffle = shuffle
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object
            Ignored; here for scikit-learn's interface.

        Returns
        -------
        n_splits : int
            The parameter `n_splits`.
        """
        return self.n_splits
