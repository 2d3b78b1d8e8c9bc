import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_recall_curve
from sklearn.model_selection import cross_val_predict
from sklearn.multiclass import OneVsRestClassifier

from sklearn_metalabel.datasets import load_multidigits


def slots_of(images):
    """Slots (n, n_slots, 8, 8) of the strips."""
    return images.reshape(len(images), 8, -1, 8).transpose(0, 2, 1, 3)


def sources_of(images):
    """Indices of the digit images that fit each slot best under shifts by a pixel: the source is one."""
    slots = slots_of(images)
    slots = slots[slots.any(axis=(2, 3))]
    padded = np.pad(load_digits().images / 16, ((0, 0), (1, 1), (1, 1)))
    shifts = [padded[:, a : a + 8, b : b + 8].reshape(-1, 64) for a in range(3) for b in range(3)]
    flat = slots.reshape(-1, 64)
    nearest = np.full((len(flat), len(padded)), np.inf)
    for s in shifts:
        np.minimum(nearest, (flat**2).sum(1)[:, None] - 2 * flat @ s.T + (s**2).sum(1), out=nearest)
    assert nearest.min(axis=1).max() < 1e-9
    return set(nearest.argmin(axis=1))


def test_training_and_test_part_share_no_source_image():
    train, test = (load_multidigits(n_samples=900, subset=name).images for name in ("train", "test"))
    train, test = sources_of(train), sources_of(test)
    assert len(train) > 300
    assert len(test) > 150
    assert not train & test


def test_another_random_state_keeps_the_sides_of_the_source_images():
    train = sources_of(load_multidigits(n_samples=450, subset="train", random_state=1).images)
    test = sources_of(load_multidigits(n_samples=450, subset="test", random_state=2).images)
    assert min(len(train), len(test)) > 100
    assert not train & test


def test_all_is_train_followed_by_test():
    train, test, both = (load_multidigits(n_samples=100, subset=s) for s in ("train", "test", "all"))
    assert (len(train.data), len(test.data)) == (67, 33)
    assert_array_equal(both.data, np.vstack([train.data, test.data]))
    assert_array_equal(both.target, np.vstack([train.target, test.target]))


def test_shapes_types_and_ranges_are_as_documented():
    bunch = load_multidigits(n_samples=90)
    assert bunch.data.shape == (90, 192)
    assert bunch.target.shape == (90, 13)
    assert bunch.images.shape == (90, 8, 24)
    assert_array_equal(bunch.images.reshape(90, -1), bunch.data)
    assert bunch.target.dtype == np.int64
    assert bunch.data.min() == 0.0
    assert bunch.data.max() == 1.0
    assert len(bunch.feature_names) == len(set(bunch.feature_names)) == 192
    assert bunch.frame is None
    assert "90" in bunch.DESCR


def test_parents_agree_with_the_paths_and_come_first():
    bunch = load_multidigits(n_samples=30)
    names = bunch.target_names.tolist()
    assert names[11] == "/loop/8"
    for j, parent in enumerate(bunch.parents):
        assert parent < j
        assert names[j].rpartition("/")[0] == ("" if parent < 0 else names[parent])


def test_a_group_is_present_exactly_with_one_of_its_digits():
    bunch = load_multidigits(n_samples=300)
    for group in range(3):
        below = bunch.target[:, bunch.parents == group].max(axis=1)
        assert_array_equal(bunch.target[:, group], below)


def test_every_digit_of_the_target_fills_one_slot():
    bunch = load_multidigits(n_samples=300, n_digits=(0, 4))
    n_filled = slots_of(bunch.images).any(axis=(2, 3)).sum(axis=1)
    assert_array_equal(n_filled, bunch.target[:, 3:].sum(axis=1))
    assert set(n_filled) == {0, 1, 2, 3, 4}


def test_digits_are_in_every_slot_alike():
    filled = slots_of(load_multidigits(n_samples=3000).images).any(axis=(2, 3)).mean(axis=0)
    assert np.ptp(filled) < 0.06


def test_imbalance_makes_a_long_tail_and_zero_none():
    tail = load_multidigits(n_samples=3000).target[:, 3:].mean(axis=0)
    flat = load_multidigits(n_samples=3000, imbalance=0.0).target[:, 3:].mean(axis=0)
    assert tail.max() > 8 * tail.min()
    assert tail.argmax() == 1
    assert set(tail.argsort()[:2]) == {5, 8}
    assert flat.max() < 1.3 * flat.min()


def test_tuned_thresholds_raise_the_macro_f1_of_a_logistic_regression():
    X, Y = load_multidigits(subset="train", return_X_y=True)
    X_test, Y_test = load_multidigits(subset="test", return_X_y=True)
    model = OneVsRestClassifier(LogisticRegression(C=0.3, tol=0.05))
    P = cross_val_predict(model, X, Y, cv=2, method="predict_proba")
    P_test = model.fit(X, Y).predict_proba(X_test)
    thresholds = np.empty(Y.shape[1])
    for j in range(Y.shape[1]):
        precision, recall, cuts = precision_recall_curve(Y[:, j], P[:, j])
        thresholds[j] = cuts[np.argmax((precision * recall / (precision + recall + 1e-12))[:-1])]
    plain, tuned = (f1_score(Y_test, P_test > t, average="macro", zero_division=0) for t in (0.5, thresholds))
    assert 0.3 < plain < 0.7
    assert tuned > plain + 0.03


def test_frames_hold_the_arrays_under_their_names():
    plain, framed = load_multidigits(n_samples=12), load_multidigits(n_samples=12, as_frame=True)
    assert framed.data.columns.tolist() == plain.feature_names
    assert framed.target.columns.tolist() == plain.target_names.tolist()
    assert_array_equal(framed.target.to_numpy(), plain.target)
    assert framed.frame.shape == (12, 192 + 13)
    X, Y = load_multidigits(n_samples=12, as_frame=True, return_X_y=True)
    assert_frame_equal(X, framed.data)
    assert_frame_equal(Y, framed.target)


def test_the_random_state_decides_and_numpy_state_is_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (load_multidigits(n_samples=30, random_state=s).data for s in (0, 0, 1))
    assert_array_equal(first, again)
    assert (first != other).any()
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_samples": 2}, "n_samples must be an integer of at least 3; got 2"),
        ({"n_samples": 10.0}, "n_samples must be an integer"),
        ({"n_digits": 3}, "n_digits must be two integers"),
        ({"n_digits": (3, 1)}, "n_digits must be two integers"),
        ({"n_digits": (0, 0)}, "n_digits must be two integers"),
        ({"n_digits": (1, 11)}, "n_digits must be two integers"),
        ({"n_digits": (1, 2, 3)}, "n_digits must be two integers"),
        ({"imbalance": -1}, "imbalance must be a finite number of at least 0; got -1"),
        ({"imbalance": np.inf}, "imbalance must be a finite number"),
        ({"imbalance": "high"}, "imbalance must be a finite number"),
        ({"subset": "valid"}, 'subset must be "train", "test" or "all"; got \'valid\''),
    ],
)
def test_parameters_out_of_range_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        load_multidigits(**params)
