"""Hashes of anything that a training depends on, equal in every process."""

import inspect
import sys
from operator import itemgetter
from types import CodeType, FunctionType

import scipy.sparse as sp
from joblib.hashing import NumpyHasher, Pickler

__all__ = ["stable_hash"]


def stable_hash(thing, known=None):
    """A hash of an object by its value, as a string.

    It is joblib's, which tells arrays apart by type, shape, order and content, and beyond that takes torch's tensors,
    modules and optimisers, sparse matrices without what they remember of themselves, and the source of classes and
    functions that belong to no package with a version. `known` has hashes by `id`, for large parts that many objects
    share. Raises what pickle raises where something has no value that could be written down.
    """
    hasher = _Hasher(known or {})
    hasher.dump(thing)
    hasher._hash.update(hasher.stream.getvalue())
    return hasher._hash.hexdigest()


class _Hasher(NumpyHasher):
    """What is written is read by nobody, so that anything may be written beside or instead of an object."""

    def __init__(self, known):
        super().__init__(coerce_mmap=True)
        self.known = known

    def save(self, obj):
        """Write an object, or what stands for it."""
        torch = sys.modules.get("torch")
        if id(obj) in self.known:
            obj = self.known[id(obj)]
        elif isinstance(obj, type | FunctionType):
            super().save(_code_behind(obj))
        elif isinstance(obj, set | frozenset):
            obj = type(obj).__name__, sorted(stable_hash(each, self.known) for each in obj)
        elif sp.issparse(obj) and obj.format in ("csr", "csc"):
            obj = type(obj).__name__, obj.shape, obj.data, obj.indices, obj.indptr
        elif torch is not None and isinstance(obj, torch.Tensor) and obj.layout == torch.strided:
            # torch's own pickles hold addresses.
            flat = obj.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
            obj = type(obj).__name__, str(obj.dtype), tuple(obj.shape), obj.stride(), obj.requires_grad, flat
        elif torch is not None and isinstance(obj, torch.optim.Optimizer):
            obj = type(obj), obj.state_dict()
        elif torch is not None and isinstance(obj, torch.nn.Module):
            # Dictionaries are written in the order of their keys; parameters that are tied have one name.
            super().save([name for part in (obj.named_modules(), obj.named_parameters()) for name, _ in part])
        super().save(obj)

    def _batch_setitems(self, items, *args):
        """Write the entries of a dictionary by the order of their keys.

        That of joblib begins anew where something inside cannot be written, and leaves it out.
        """
        items = list(items)
        try:
            items.sort(key=itemgetter(0))
        except Exception:  # keys compare by code of their own
            items.sort(key=lambda item: stable_hash(item[0], self.known))
        Pickler._batch_setitems(self, iter(items), *args)


def _code_behind(obj):
    """Versions of packages and sources of the user's own code: of a class or function, and of those that it names."""
    left, found = [obj], {}
    while left:
        each = left.pop()
        package = (each.__module__ or "").partition(".")[0]
        if each in found or package in sys.stdlib_module_names:
            continue
        version = getattr(sys.modules.get(package), "__version__", None)
        found[each] = _source(each) if version is None else f"{package} {version}"
        left += _named_by(each) if version is None else []
    return sorted(set(found.values()))


def _source(obj):
    """Source of a class or function, or nothing where there is none."""
    try:
        return inspect.getsource(obj)
    except (OSError, TypeError):
        return ""


def _named_by(obj):
    """Classes and functions that the code of another one names, base classes among them."""
    bases = obj.__mro__[1:] if isinstance(obj, type) else ()
    own = vars(obj).values() if isinstance(obj, type) else [obj]
    functions = [each for each in own if isinstance(each, FunctionType)]
    named = [f.__globals__.get(name) for f in functions for name in _names(f.__code__)]
    return [*bases, *(each for each in named if isinstance(each, type | FunctionType))]


def _names(code):
    """Names of globals and attributes in code, that of inner functions included."""
    inner = [name for part in code.co_consts if isinstance(part, CodeType) for name in _names(part)]
    return [*code.co_names, *inner]
