"""Returns, baselines and advantages of the policy gradient (Eq. 2 and 7)."""

import numpy as np

__all__ = ["MovingBaseline", "leave_one_out", "returns_to_go", "standardize"]


def returns_to_go(rewards, discount=1.0):
    """Discounted sum of each step's and all later rewards.

    Parameters
    ----------
    rewards : ndarray of shape (n_steps, ...)
        Reward of each step.
    discount : float, default=1.0
        Factor of each further step; 1 is the undiscounted return of Eq. 2, 0 the reward alone.

    Returns
    -------
    returns : ndarray of the same shape
        ``returns[t] = rewards[t] + discount * returns[t + 1]``.
    """
    returns = np.array(rewards, dtype=np.float64)
    for t in range(len(returns) - 2, -1, -1):
        returns[t] += discount * returns[t + 1]
    return returns


def leave_one_out(rewards):
    """Mean reward of the other draws of the same state; rewards (S, ...), S >= 2."""
    n_draws = len(rewards)
    return (rewards.sum(axis=0) - rewards) / (n_draws - 1)


def standardize(advantages, mask):
    """Advantages scaled to mean 0 and deviation 1 over the labels in `mask` (L,); 0 for the others."""
    kept = advantages[..., mask]
    scaled = np.zeros_like(advantages)
    if kept.size:
        scaled[..., mask] = (kept - kept.mean()) / (kept.std() + 1e-8)
    return scaled


class MovingBaseline:
    """Exponential moving average of the reward of each label, per step of the episode where steps are distinguished.

    Before anything was seen of a step, the mean of the labels at hand stands in.
    """

    def __init__(self, decay=0.9):
        self.decay = decay
        self.values = {}

    def __call__(self, step, reward):
        """The baseline of `reward` (L,) at `step`; afterwards `reward` is taken into the average."""
        baseline = self.values.get(step)
        if baseline is None:
            baseline = np.full_like(reward, reward.mean())
            self.values[step] = reward.copy()
        else:
            self.values[step] = self.decay * baseline + (1 - self.decay) * reward
        return baseline
