"""The distances from the reference."""

from core.catalogue.info import POSITIVE, SHARE, Better, MetricInfo, Range


def _drift(
    name: str,
    title: str,
    bounds: Range,
    definition: str,
    source: str,
    unit: str = "",
    better: Better = "lower",
) -> MetricInfo:
    return MetricInfo(name, title, "drift", better, unit, bounds, False, definition, source)


DRIFT = (
    _drift(
        "psi",
        "Population stability index",
        POSITIVE,
        "Σ(q−p)ln(q/p) in nats over 20 bins or the categories, half a row added to every bin of both sides.",
        "Siddiqi (2006)",
        "nats",
    ),
    _drift(
        "jensen_shannon",
        "Jensen–Shannon distance",
        SHARE,
        "Square root of the base-2 Jensen–Shannon divergence over 20 bins or the categories.",
        "Endres and Schindelin (2003); scipy.spatial.distance.jensenshannon",
    ),
    _drift(
        "hellinger",
        "Hellinger distance",
        SHARE,
        "√(½ Σ(√p−√q)²) over 20 bins or the categories.",
        "Hellinger (1909)",
    ),
    _drift(
        "total_variation",
        "Total variation",
        SHARE,
        "½ Σ|q−p|: the share of rows that would have to change their bin or category.",
        "Levin, Peres and Wilmer (2009)",
    ),
    _drift(
        "l_infinity",
        "Largest change of a share",
        SHARE,
        "max |q−p| over 20 bins or the categories.",
        "TensorFlow Data Validation",
    ),
    _drift(
        "kolmogorov_smirnov",
        "Kolmogorov–Smirnov distance",
        SHARE,
        "Largest difference of the cumulative shares over 100 bins, with its p-value; numbers only.",
        "Smirnov (1939); scipy.stats.ks_2samp",
    ),
    _drift(
        "kolmogorov_smirnov_p_value",
        "Kolmogorov–Smirnov p-value",
        SHARE,
        "Chance of a Kolmogorov–Smirnov distance at least this large without any drift, by the asymptotic "
        "law: for 50 rows or more; over bins and with ties too careful, never too bold; numbers only.",
        "Kolmogorov (1933); Smirnov (1948); scipy.stats.ks_2samp(method='asymp') of the values",
        better="higher",
    ),
    _drift(
        "wasserstein",
        "Wasserstein distance",
        POSITIVE,
        "∫|F−G| over 100 bins, never below the difference of the means; numbers only.",
        "Vallender (1974); scipy.stats.wasserstein_distance",
        "column",
    ),
    _drift(
        "wasserstein_normed",
        "Wasserstein distance in standard deviations",
        POSITIVE,
        "The Wasserstein distance divided by the standard deviation of the reference; numbers only.",
        "Vallender (1974)",
        "standard deviations",
    ),
    _drift(
        "chi_squared",
        "χ² statistic",
        POSITIVE,
        "Pearson's χ² of equal shares on both sides, with its p-value; categories only.",
        "Pearson (1900); scipy.stats.chi2_contingency without correction",
    ),
    _drift(
        "pca_reconstruction",
        "PCA reconstruction error",
        POSITIVE,
        "√tr((I−P)S(I−P)ᵀ), with S the window's mean product of every two numeric features: the root mean "
        "square of what rows lose when projected (P) onto the reference's principal components for 65 % of "
        "its variance (at most all but one). Features (2 to 50) are in standard deviations from their "
        "reference mean; what is no finite number stands there. Rows without any number and features that "
        "are constant in the reference are left out. Of one feature: its part, the squares add up. Under "
        "`pca: true`.",
        "Jolliffe (2002); scikit-learn SimpleImputer, StandardScaler and PCA; NannyML takes the mean, not "
        "the root mean square",
    ),
)
