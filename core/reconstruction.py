"""How well a few directions still describe all numeric features together: multivariate drift (PCA)."""

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
    components do not give back of it, in standard deviations of the reference; shape (features, features -
    components).
    """

    lost: Numbers
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
    lost = np.zeros((len(given), features - kept))
    lost[varying] = direction[:, : features - kept] / scale[:, None]
    return Components(lost, features, kept)


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
    sums, rows = np.asarray(moments, dtype=np.float64), np.asarray(n, dtype=np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        lost = ((sums @ found.lost) * found.lost).sum(axis=(1, 2))
    mean = np.where(np.isfinite(lost), ratio(lost, rows), np.nan)
    value = np.sqrt(np.maximum(mean, 0.0))  # rounding must not push a perfect one below 0
    return Estimate(value, rows, np.where(rows > 0, TOO_LARGE, NO_ROWS))
