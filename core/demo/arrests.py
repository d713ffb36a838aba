"""The model about people: release after an arrest in Toronto, decided alike for all and yet not fair."""

from datetime import datetime

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier

from core.demo.recording import Files, Recording, serving
from core.demo.sources import arrests
from core.demo.training import matrix, predictions

SHIFT_YEARS = 11  # 1997–2002 become 2008–2013, the years the demo's clock can see
THRESHOLD = 0.75


def release_decision() -> Recording:
    """Release with a summons, or hold? Asked of employment, citizenship and police records.

    The source knows the year of an arrest only: its rows are spread evenly over the year, at noon. Each
    third of the two reference years is predicted from the other two, the later years from both.
    """
    people = arrests().with_columns(year=pl.col("year") + SHIFT_YEARS).sort("year", maintain_order=True)
    features = matrix(people, ("employed", "citizen"), ("checks",))
    training = (people["year"] <= 2009).to_numpy()
    released = (people["released"] == "Yes").to_numpy()
    probability = pl.Series(
        predictions(
            lambda: HistGradientBoostingClassifier(
                max_iter=30, max_leaf_nodes=4, min_samples_leaf=40, early_stopping=False, random_state=0
            ),
            features,
            released,
            training=training,
            known=released | ~released,
            block=np.arange(people.height),
        )
    ).round(5)
    outcome = {True: "released", False: "held"}
    log = people.with_row_index("case").select(
        pl.format("{}-{}", "year", pl.col("case").cast(pl.String).str.zfill(4)).alias("case_id"),
        _day_of_year().alias("decided_at"),
        pl.lit("1.0").alias("model_version"),
        pl.lit("champion").alias("variant"),
        probability.alias("probability_released"),
        (probability >= THRESHOLD).replace_strict(outcome).alias("recommended"),
        pl.Series(released).replace_strict(outcome).alias("decision"),
        pl.col("employed", "citizen").str.to_lowercase(),
        "checks",
        pl.col("colour", "sex").str.to_lowercase(),
        "age",
    )
    log = serving(log, seed=6, answer=["probability_released", "recommended"], median_ms=20)
    return Recording("release-decision", _by_year(log))


def _day_of_year() -> pl.Expr:
    position = pl.int_range(pl.len()).over("year") * 365 // pl.len().over("year")
    return pl.datetime(pl.col("year"), 1, 1, 12) + pl.duration(days=position)


def _by_year(log: pl.DataFrame) -> Files:
    years = range(2008, 2014)
    return [
        (
            f"{year}.parquet",
            log.filter(pl.col("decided_at").is_between(datetime(year, 1, 1), datetime(year, 12, 31, 23))),
        )
        for year in years
    ]
