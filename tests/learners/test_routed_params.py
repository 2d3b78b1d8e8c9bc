import pytest
from sklearn.base import BaseEstimator, clone

from sklearn_metalabel.learners._routed_params import RoutedParamsMixin


class Routing(RoutedParamsMixin, BaseEstimator):
    def __init__(self, lr=0.1, *, seed=0, **params):
        self.lr = lr
        self.seed = seed
        for name, value in params.items():
            setattr(self, name, value)


def test_routed_parameters_are_seen_set_and_cloned_beside_the_own_ones():
    estimator = Routing(module__hidden=3).set_params(lr=0.2, optimizer__momentum=0.5, module__hidden=4)
    estimator.state_ = estimator._private = "not a parameter"
    expected = {"lr": 0.2, "seed": 0, "module__hidden": 4, "optimizer__momentum": 0.5}
    assert clone(estimator).get_params() == estimator.get_params(deep=False) == expected
    assert estimator._routed_params() == {"module__hidden": 4, "optimizer__momentum": 0.5}
    assert "module__hidden=4" in repr(estimator)


def test_other_names_are_refused():
    with pytest.raises(TypeError, match=r"Routing has no parameter 'hidden'; did you mean module__hidden\?"):
        Routing(hidden=3)._routed_params()
    with pytest.raises(ValueError, match="Invalid parameter 'hidden' for estimator Routing"):
        Routing().set_params(hidden=3)


def test_an_estimator_takes_its_own_routes_alone():
    class Losing(Routing):
        _routes = (*Routing._routes, "loss__")

    assert Losing().set_params(loss__gamma=1)._routed_params() == {"loss__gamma": 1}
    with pytest.raises(TypeError, match="'loss__gamma'.*passed on start with module__ or optimizer__[.]"):
        Routing(loss__gamma=1)._routed_params()
