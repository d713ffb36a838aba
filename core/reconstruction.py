"""How well a few directions still describe all numeric features together: multivariate drift (PCA)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.estimates import Estimate, Numbers, ratio

RECONSTRUCTION = "pca_reconstruction"
FEWEST, MOST = 2, 50  # numeric features
KEPT_VARIANCE = 0.65  # of the reference, NannyML's share
NO_ROWS = "no row has a number in any feature"
TOO_LARGE = "a value is too large to be squared"


@dataclass(frozen=True)
class Components:
    """What the reference's first principal components leave out.

    `lost` maps a row of features, each minus its reference mean and divided by its scale, to what the
    components do not give back of it, in standard deviations of the reference and along the other
    components; `back` are their directions, from there to the features. Both of shape (features, features -
    components).
    """

    lost: Numbers
    back: Numbers
    features: int
    components: int


def squares(sums: ArrayLike, features: int) -> Numbers:
    """Return sums of products, kept as upper triangles row by row, as symmetric matrices.

    Parameters
    ----------
    sums : shape (k, features · (features + 1) / 2)

    Examples
    --------
    >>> squares([[1.0, 2.0, 3.0]], 2).tolist()
    [[[1.0, 2.0], [2.0, 3.0]]]
    """
    kept = np.asarray(sums, dtype=np.float64)
    row, column = np.triu_indices(features)
    whole = np.empty((len(kept), features, features))
    whole[:, row, column] = whole[:, column, row] = kept
    return whole


def components(moments: ArrayLike, n: float) -> Components | None:
    """Return the reference's principal components that hold 65 % of its variance, at most all but one.

    Of all of them nothing would ever be lost. Features weigh alike: the components are those of the
    correlation matrix. A feature that does not vary has no scale and is left out; None where fewer than two
    vary.

    Parameters
    ----------
    moments : the reference's sums of products of features minus their means, shape (features, features)
    n : rows in the sums

    Source: Jolliffe (2002), Principal Component Analysis.

    Examples
    --------
    >>> found = components([[400.0, 160.0], [160.0, 100.0]], 100)
    >>> found.components, (np.abs(found.lost) * 2**0.5).round(3).tolist()
    (1, [[0.5], [1.0]])
    """
    given = ratio(moments, n)
    deviation = np.sqrt(np.diagonal(given))
    varying = np.isfinite(deviation) & (deviation > 0)
    features = int(varying.sum())
    if features < FEWEST:
        return None
    scale = deviation[varying]
    variance, direction = np.linalg.eigh(given[np.ix_(varying, varying)] / np.outer(scale, scale))
    shares = np.cumsum(variance[::-1]) / features
    kept = min(int(np.searchsorted(shares, KEPT_VARIANCE, side="right")) + 1, features - 1)
    lost, back = np.zeros((2, len(given), features - kept))
    back[varying] = direction[:, : features - kept]
    lost[varying] = back[varying] / scale[:, None]
    return Components(lost, back, features, kept)


def pca_reconstruction(moments: ArrayLike, n: ArrayLike, found: Components) -> Estimate:
    """Return the root mean square of what the reference's components lose of each row; 0 = nothing.

    With S the window's mean product of standardised features and P the projection on the components it is
    √tr((I − P) S (I − P)ᵀ), in standard deviations of the reference: how features go together moves it, and
    so does a move of the features themselves across the components.

    Parameters
    ----------
    moments : sums of products of features minus the reference's means, shape (k, features, features)
    n : rows in the sums, shape (k,)
    found : the reference's components

    Source: NannyML, Data reconstruction with PCA (2021), which takes the mean of the rows' distances instead
    of the root of their mean square.

    Examples
    --------
    The reference's two features go together (correlation 0.8), the window's against each other:

    >>> found = components([[100, 80], [80, 100]], 100)
    >>> windows = np.array([[[1.0, 0.8], [0.8, 1.0]], [[1.0, -0.8], [-0.8, 1.0]]])
    >>> pca_reconstruction(windows * 500, [500, 500], found).value.round(4).tolist()
    [0.4472, 1.3416]
    """
    return _rooted(np.trace(_lost(moments, n, found), axis1=1, axis2=2), n)


def losses(moments: ArrayLike, n: ArrayLike, found: Components) -> Sequence[Estimate]:
    """Return what is lost of each feature; the squares add up to that of all, see `pca_reconstruction`.

    Examples
    --------
    >>> found = components([[100, 80], [80, 100]], 100)
    >>> [each.value.round(4).tolist() for each in losses([[[500, -400], [-400, 500]]], [500], found)]
    [[0.9487], [0.9487]]
    """
    lost = _lost(moments, n, found)
    with np.errstate(invalid="ignore"):
        of_features = ((found.back @ lost) * found.back).sum(axis=2)
    return [_rooted(each, n) for each in of_features.T]


def _lost(moments: ArrayLike, n: ArrayLike, found: Components) -> Numbers:
    """Return the mean products of what rows lose along the components that are left out."""
    with np.errstate(invalid="ignore", over="ignore"):
        sums = found.lost.T @ np.asarray(moments, dtype=np.float64) @ found.lost
    return ratio(sums, np.asarray(n, dtype=np.float64)[:, None, None])


def _rooted(mean: Numbers, n: ArrayLike) -> Estimate:
    rows = np.asarray(n, dtype=np.float64)
    known = np.where(np.isfinite(mean), np.maximum(mean, 0.0), np.nan)  # rounding may fall below 0
    return Estimate(np.sqrt(known), rows, np.where(rows > 0, TOO_LARGE, NO_ROWS))
