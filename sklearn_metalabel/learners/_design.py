"""The products with X that logistic regressions of several labels share, for sparse and for dense X.

No sum depends on the number of threads: one thread sums a row of a sparse product, dense ones are cut at fixed places.
"""

import contextlib
import warnings
from functools import cache

import numpy as np
import scipy.sparse as sp

__all__ = ["OVERFLOW", "WIDTH", "dots", "make_design", "ratio", "torch_threads"]

WIDTH = 24  # labels in a block, and columns given to BLAS at once
_DEPTH = 256  # longest inner dimension given to BLAS, which cuts longer ones by its number of threads
_MAX_FACTOR = 2000  # most dense features for which the Gram matrix is factorised as preconditioner
OVERFLOW = "The logistic regression overflowed: scale the features or lower C."


@cache
def _torch_with_mkl():
    """Torch, where it has MKL, whose sparse product is more than twice as fast as SciPy's; else None."""
    import torch

    if not torch.backends.mkl.is_available():
        return None
    with warnings.catch_warnings():  # torch tells once a process that CSR is in beta; users cannot act on it
        warnings.simplefilter("ignore")
        torch.sparse_csr_tensor(torch.tensor([0, 1]), torch.tensor([0]), torch.tensor([1.0]), size=(1, 1))
    return torch


def torch_threads():
    """Threads of torch, which the products of sparse problems have."""
    import torch

    return torch.get_num_threads()


def make_design(X, s, fit_intercept, dtype=np.float64):
    """Choose the products for X; `dtype` is that of values and gradients for sparse X."""
    if not sp.issparse(X):
        return _DenseDesign(np.asarray(X, dtype=np.float64), s, fit_intercept)
    if X.nnz > X.shape[0] * X.shape[1] / 3:
        return _DenseDesign(X.toarray().astype(np.float64, copy=False), s, fit_intercept)
    return _SparseDesign(sp.csr_array(X), fit_intercept, dtype)


def dots(A, B):
    """Sum the products of two (rows, labels) arrays over the rows."""
    return np.einsum("ij,ij->j", A, B).astype(np.float64)


def ratio(a, b):
    """Divide, with zero where the divisor is not positive."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


class _SparseDesign:
    """Products with sparse [X, 1], or with [X, 0] where no intercept is fitted; one thread sums each row in order."""

    dtype = np.dtype(np.float32)  # of directions

    def __init__(self, X, fit_intercept, value_dtype):
        self.value_dtype = np.dtype(value_dtype)
        self.n_threads = torch_threads()  # for blocks; one in a worker of joblib
        self.fit_intercept = fit_intercept
        # The intercept as a feature costs less than a sum over the rows.
        X = sp.hstack([X, sp.csr_array(np.full((X.shape[0], 1), float(fit_intercept)))], format="csr")
        X = {dtype: X.astype(dtype, copy=False) for dtype in {self.dtype, self.value_dtype}}
        T = {dtype: part.T.tocsr() for dtype, part in X.items()}
        squared = T[self.dtype].power(2)
        if not np.isfinite(squared.data).all():
            raise ValueError(OVERFLOW)
        self.plain, self.transposed = ({dtype: _Product(part) for dtype, part in of.items()} for of in (X, T))
        self.squared = _Product(squared)

    def forward(self, V):
        """Compute [X, 1] V, shape (n, L), in the dtype of V."""
        return self.plain[V.dtype](V)

    def gradient(self, Q, V):
        """Compute [X, 1].T Q plus the gradient of the penalty at V, shape (d + 1, L)."""
        G = self.transposed[Q.dtype](Q)
        G[:-1] += V[:-1]
        return G

    def preconditioner(self, D):
        """Return the inverse diagonal of each label's Hessian."""
        return _diagonal(self.squared(D), self.fit_intercept)


class _Product:
    """Products of a CSR array with dense arrays, by torch where it has MKL."""

    def __init__(self, X):
        self.X, self.torch = X, _torch_with_mkl()
        if self.torch is not None:
            torch = self.torch
            # Torch warns about memory it may not write to, such as that of joblib's workers.
            parts = (torch.from_numpy(np.require(part, requirements="W")) for part in (X.indptr, X.indices, X.data))
            self.X = torch.sparse_csr_tensor(*parts, size=X.shape)

    def __call__(self, A):
        if self.torch is None:
            return self.X @ A
        with self.torch.no_grad():
            return (self.X @ self.torch.from_numpy(np.ascontiguousarray(A))).numpy()


class _DenseDesign:
    """The same for dense X; its products have the threads of BLAS."""

    dtype = value_dtype = np.dtype(np.float64)
    n_threads = 1

    def __init__(self, X, s, fit_intercept):
        self.X, self.total, self.fit_intercept = X, s.sum(), fit_intercept
        self.gram = self._gram(s) if X.shape[1] <= _MAX_FACTOR else None

    def forward(self, V):
        """Compute [X, 1] V, shape (n, L)."""
        Z = _matmul(self.X, V[:-1])
        if self.fit_intercept:
            Z += V[-1]
        return Z

    def gradient(self, Q, V):
        """Compute [X, 1].T Q plus the gradient of the penalty at V, shape (d + 1, L)."""
        G = np.empty_like(V)
        np.add(_matmul(self.X.T, Q), V[:-1], out=G[:-1])
        G[-1] = Q.sum(axis=0) if self.fit_intercept else V[-1]
        return G

    def _gram(self, s):
        """Compute the weighted Gram matrix of [X, 1], shape (d + 1, d + 1)."""
        gram = 0.0
        for i in range(0, len(s), _DEPTH):
            part = np.column_stack([self.X[i : i + _DEPTH], np.full(len(s[i : i + _DEPTH]), float(self.fit_intercept))])
            gram = gram + _matmul((part * s[i : i + _DEPTH, None]).T, part)
        return gram

    def preconditioner(self, D):
        """Return the inverse of one Hessian, its row weights equal, between those of the labels."""
        if self.gram is not None:
            M = self.gram * np.exp(np.mean(np.log(np.maximum(D.sum(axis=0) / self.total, 1e-300))))
            M[np.diag_indices_from(M)] += np.append(np.ones(len(M) - 1), not self.fit_intercept)
            scale = 1 / np.sqrt(np.diag(M))
            with contextlib.suppress(np.linalg.LinAlgError):  # M may be singular to rounding
                return _Factor(_inverse_factor(scale[:, None] * M * scale) * scale)
        return _diagonal(np.vstack([_matmul(np.square(self.X).T, D), D.sum(axis=0)]), self.fit_intercept)


def _diagonal(squares, fit_intercept):
    """Preconditioner of the diagonals of the Hessians, given those of the losses, shape (d + 1, L)."""
    squares[:-1] += 1
    if not fit_intercept:
        squares[-1] = 1
    return _Diagonal(1 / squares)


class _Diagonal:
    """Preconditioner with a diagonal for each label."""

    def __init__(self, inverse):
        self.inverse = inverse

    def __call__(self, R):
        return self.inverse * R

    def take(self, kept):
        """Keep some of the labels."""
        return _Diagonal(np.compress(kept, self.inverse, axis=1))


class _Factor:
    """Preconditioner shared by all labels, given by the inverse of its Cholesky factor."""

    def __init__(self, root):
        self.root = root
        self.take = lambda kept: self

    def __call__(self, R):
        return _matmul(self.root.T, _matmul(self.root, R))


def _matmul(A, B):
    """Multiply dense matrices so that no bit depends on the number of BLAS threads."""
    if B.shape[1] > WIDTH:  # a wide product is cut at places that depend on the number of threads
        return np.hstack([_matmul(A, B[:, j : j + WIDTH]) for j in range(0, B.shape[1], WIDTH)])
    if B.shape[1] == 1:  # and so is the sum of a matrix by vector product
        return _matmul(A, np.repeat(B, 2, axis=1))[:, :1].copy()
    out = A[:, :_DEPTH] @ B[:_DEPTH]
    for k in range(_DEPTH, A.shape[1], _DEPTH):
        out += A[:, k : k + _DEPTH] @ B[k : k + _DEPTH]
    return out


def _inverse_factor(A):
    """Invert the Cholesky factor of A by halves, so that no bit depends on the number of BLAS threads."""
    half = len(A) // 2
    if len(A) <= 32:
        return np.linalg.inv(np.linalg.cholesky(A))
    first = _inverse_factor(A[:half, :half])
    below = _matmul(A[half:, :half], first.T)
    second = _inverse_factor(A[half:, half:] - _matmul(below, below.T.copy()))
    corner = -_matmul(second, _matmul(below, first))
    return np.block([[first, np.zeros((half, len(A) - half))], [corner, second]])
