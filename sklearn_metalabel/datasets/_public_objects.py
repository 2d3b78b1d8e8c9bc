"""The functions, classes and methods of numpy, scipy and scikit-learn that their references list."""

import importlib
import warnings

__all__ = ["public_objects"]

# Modules of the three references; one that an installed version lacks is passed over.
_MODULES = {
    "numpy": "char emath fft lib.stride_tricks linalg ma polynomial polynomial.chebyshev polynomial.hermite "
    "polynomial.hermite_e polynomial.laguerre polynomial.legendre polynomial.polynomial random rec strings",
    "scipy": "cluster.hierarchy cluster.vq datasets differentiate fft fftpack integrate interpolate io io.arff "
    "io.wavfile linalg linalg.blas linalg.interpolative linalg.lapack ndimage odr optimize signal signal.windows "
    "sparse sparse.csgraph sparse.linalg spatial spatial.distance spatial.transform special stats stats.contingency "
    "stats.mstats stats.qmc stats.sampling",
    "sklearn": "base calibration cluster compose covariance cross_decomposition datasets decomposition "
    "discriminant_analysis dummy ensemble feature_extraction feature_extraction.image feature_extraction.text "
    "feature_selection frozen gaussian_process gaussian_process.kernels impute inspection isotonic "
    "kernel_approximation kernel_ridge linear_model manifold metrics metrics.cluster metrics.pairwise mixture "
    "model_selection multiclass multioutput naive_bayes neighbors neural_network pipeline preprocessing "
    "random_projection semi_supervised svm tree utils utils.class_weight utils.extmath utils.graph "
    "utils.metaestimators utils.multiclass utils.random utils.sparsefuncs utils.validation",
}


def public_objects():
    """List each documented function, class and method once: its full name, its module and its docstring.

    The order is that of modules and names. Warnings of modules and names that will go are not shown.
    """
    found, seen = [], {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in _import_all():
            for name in _public_names(module):
                owner = _get(module, name)
                own = f"{module.__name__}.{name}"
                methods = [(f"{own}.{each}", _get(owner, each)) for each in _methods(owner)]
                for full_name, each in [(own, owner), *methods]:
                    function = getattr(each, "__func__", each)  # bound methods are new objects at each look
                    docstring = getattr(each, "__doc__", None)
                    is_named = isinstance(getattr(each, "__name__", None), str)
                    if id(function) in seen or not (callable(each) and is_named and isinstance(docstring, str)):
                        continue
                    seen[id(function)] = function  # kept, so that no other object gets its id
                    found.append((full_name, getattr(each, "__module__", None) or module.__name__, docstring))
    return found


def _import_all():
    """The public modules that are there."""
    modules = []
    for package, names in _MODULES.items():
        for name in (package, *(f"{package}.{each}" for each in names.split())):
            try:
                modules.append(importlib.import_module(name))
            except ImportError:
                continue
    return modules


def _public_names(module):
    """Names that a module exports, sorted: those it lists, or else those of what it defines itself."""
    own = module.__name__
    listed = getattr(module, "__all__", None) or [
        name for name in dir(module) if (getattr(_get(module, name), "__module__", None) or own) == own
    ]
    return sorted({name for name in listed if not name.startswith("_")})


def _methods(owner):
    """Public names of what a class defines itself, sorted."""
    return sorted(name for name in vars(owner) if not name.startswith("_")) if isinstance(owner, type) else []


def _get(owner, name):
    """An attribute, or None where it cannot be had, as some that are experimental or will go."""
    try:
        return getattr(owner, name, None)
    except ImportError:
        return None
