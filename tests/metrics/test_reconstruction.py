"""The error of the reference's principal components, against scikit-learn's pipeline on the rows."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.reconstruction import NO_ROWS, TOO_LARGE, components, losses, pca_reconstruction, squares


def standing(rows, reference):
    """Rows minus the reference's means, what is no number at the mean; rows without any are left out."""
    rows, reference = (np.where(np.isfinite(each), each, np.nan) for each in (rows, reference))
    rows = rows[np.isfinite(rows).any(axis=1)]
    return np.nan_to_num(rows - np.nanmean(reference, axis=0))


def ours(reference, *windows):
    usual = standing(reference, reference)
    found = components(usual.T @ usual, len(usual))
    moved = [standing(window, reference) for window in windows]
    sums = np.stack([each.T @ each for each in moved])
    return pca_reconstruction(sums, [len(each) for each in moved], found), found


def of_features(reference, *windows):
    usual = standing(reference, reference)
    moved = [standing(window, reference) for window in windows]
    sums = np.stack([each.T @ each for each in moved])
    return losses(sums, [len(each) for each in moved], components(usual.T @ usual, len(usual)))


def theirs(reference, window, kept):
    """The root mean square of the rows' distances from what an imputing, scaling PCA gives back of them."""
    return float(np.sqrt((apart(reference, window, kept) ** 2).sum(axis=1).mean()))


def apart(reference, window, kept):
    reference, window = (np.where(np.isfinite(each), each, np.nan) for each in (reference, window))
    reference, window = (each[np.isfinite(each).any(axis=1)] for each in (reference, window))
    scaled = make_pipeline(SimpleImputer(), StandardScaler())
    pca = PCA(n_components=kept).fit(scaled.fit_transform(reference))
    given = scaled.transform(window)
    back = pca.inverse_transform(pca.transform(given))
    return given - back


def weather(seed, rows, features=8, moved=0.0):
    """Correlated features of different units, with ties, tails, missing and infinite values."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(rows, 3)) @ np.random.default_rng(0).normal(size=(3, features))
    mixed += 0.6 * rng.standard_t(5, size=(rows, features)) + moved
    mixed[:, 1] = np.round(mixed[:, 1])
    mixed = mixed * np.logspace(-3, 4, features) + np.linspace(-50, 1e5, features)
    mixed[rng.random(mixed.shape) < 0.05] = np.nan
    mixed[rng.random(mixed.shape) < 0.01] = np.inf
    return mixed


@pytest.mark.parametrize("features", [2, 3, 8, 50])
def test_it_is_what_scikit_learn_says_of_the_same_rows(features):
    reference = weather(1, 4_000, features)
    windows = [weather(2, 500, features), weather(3, 70, features, moved=0.4), weather(4, 1, features)]
    found, kept = ours(reference, *windows)
    expected = [theirs(reference, window, kept.components) for window in windows]
    assert found.value == pytest.approx(expected, rel=1e-9)
    assert sum(each.value**2 for each in of_features(reference, *windows)) == pytest.approx(found.value**2)
    clean = np.where(np.isfinite(reference), reference, np.nan)
    share = make_pipeline(SimpleImputer(), StandardScaler(), PCA(n_components=0.65)).fit(clean)[-1]
    assert kept.components == min(share.n_components_, features - 1)


def test_what_each_feature_loses_is_what_scikit_learn_does_not_give_back_of_it():
    reference, window = weather(1, 4_000), weather(2, 500, moved=0.4)
    found = of_features(reference, window)
    _, kept = ours(reference, window)
    expected = np.sqrt((apart(reference, window, kept.components) ** 2).mean(axis=0))
    assert [each.value[0] for each in found] == pytest.approx(expected.tolist(), rel=1e-8)
    assert all(each.n[0] == found[0].n[0] > 490 for each in found)


def test_two_features_by_hand():
    """Correlation 0.8 keeps (1, 1)/√2: of (1, -1) all is lost, of (2, 2) nothing, of (1, 0) the half."""
    found = components([[10.0, 8.0], [8.0, 10.0]], 10)
    rows = np.array([[1.0, -1.0], [2.0, 2.0], [1.0, 0.0]])
    value = pca_reconstruction(rows[:, :, None] * rows[:, None, :], [1, 1, 1], found).value
    assert value == pytest.approx([2**0.5, 0.0, 0.5**0.5], abs=1e-12)


def test_sums_of_two_windows_are_those_of_both_together():
    reference, first, second = weather(1, 2_000), weather(5, 300), weather(6, 40, moved=1.0)
    together, found = ours(reference, np.vstack([first, second]))
    parts = [standing(each, reference) for each in (first, second)]
    added = sum(each.T @ each for each in parts)
    rows = sum(len(each) for each in parts)
    assert pca_reconstruction(added[None], [rows], found).value == pytest.approx(together.value, rel=1e-12)


def test_units_and_the_order_of_the_features_say_nothing():
    reference, window = weather(1, 2_000), weather(2, 500, moved=0.3)
    value = ours(reference, window)[0].value
    turned = [3, 0, 7, 1, 2, 6, 5, 4]
    units = np.array([1e-3, 60.0, 5 / 9, 1.0, 1e6, -1.0, 2.0, 0.1])
    assert ours(reference[:, turned], window[:, turned])[0].value == pytest.approx(value, rel=1e-9)
    assert ours(reference * units - 32, window * units - 32)[0].value == pytest.approx(value, rel=1e-6)


def test_features_that_only_go_together_differently_are_seen():
    rng = np.random.default_rng(3)
    reference = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 5_000)
    window = rng.multivariate_normal([0, 0], [[1, -0.8], [-0.8, 1]], 500)
    found, _ = ours(reference, reference, window)
    assert found.value[0] == pytest.approx(0.2**0.5, abs=0.02) and found.value[1] > 2.5 * found.value[0]


def test_a_feature_that_is_constant_in_the_reference_is_left_out():
    reference, window = weather(1, 2_000, 3), weather(2, 500, 3)
    value = ours(reference, window)[0].value
    still = np.full((2_000, 1), 7.0)
    more, found = ours(np.hstack([reference, still]), np.hstack([window, np.full((500, 1), 9.0)]))
    assert found.features == 3 and more.value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("features", [1, 3])
def test_fewer_than_two_varying_features_have_no_components(features):
    rows = np.zeros((100, features))
    rows[:, 0] = np.arange(100) - 49.5
    assert components(rows.T @ rows, 100) is None
    assert components(np.zeros((features, features)), 0) is None


def test_features_that_are_one_lose_nothing_until_they_part():
    rng = np.random.default_rng(4)
    x = rng.normal(size=1_000)
    parted = np.column_stack([x[:50], x[50:100]])
    found, kept = ours(np.column_stack([x, 2 * x]), np.column_stack([x[:50], 2 * x[:50]]), parted)
    assert kept.components == 1
    assert found.value[0] == pytest.approx(0, abs=1e-6) and found.value[1] > 0.3


def test_no_rows_and_values_too_large_have_reasons():
    found = components([[10.0, 8.0], [8.0, 10.0]], 10)
    sums = np.array([np.zeros((2, 2)), [[np.inf, np.nan], [np.nan, 1.0]]])
    told = pca_reconstruction(sums, [0, 5], found)
    assert np.isnan(told.value).all() and told.reason.tolist() == [NO_ROWS, TOO_LARGE]


def test_upper_triangles_become_symmetric_matrices():
    whole = np.arange(16.0).reshape(4, 4)
    whole = whole + whole.T
    assert np.array_equal(squares([whole[np.triu_indices(4)], np.zeros(10)], 4)[0], whole)
