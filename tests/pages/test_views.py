"""What pages read: phases of windows, what is usual, distributions and scores."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from core import views
from core.settings import Workspace
from core.store import Store
from core.usual import with_usual
from core.views.model import with_phase
from tests.pages import portfolio


@pytest.fixture(scope="module")
def store(portfolio_workspace: Workspace) -> Store:
    return Store(portfolio_workspace)


def test_a_window_is_open_until_its_grace_and_immature_until_its_labels() -> None:
    end = datetime(2013, 6, 2, 4, tzinfo=UTC)
    frame = pl.DataFrame(
        {"metric": ["f1", "labelled_share", "volume"], "window_end": [end] * 3,
         "mature_at": [end + timedelta(days=2), end + timedelta(days=2), None]}
    )  # fmt: skip
    declared = portfolio.declared("m")  # grace 1 h, label delay 2 d

    def phases(hours: float) -> list[str]:
        return with_phase(frame, declared, end + timedelta(hours=hours))["phase"].to_list()

    assert phases(0.5) == ["open", "open", "open"]
    assert phases(2) == ["immature", "immature", "closed"]
    assert phases(49) == ["closed", "closed", "closed"]


def test_usual_is_what_nineteen_of_twenty_reference_windows_stay_below() -> None:
    reference = pl.DataFrame({"column": ["a"] * 101, "value": [i / 100 for i in range(101)]})
    frame = pl.DataFrame(
        {"column": ["a", "a", "b"], "value": [0.5, 0.98, 0.9], "expected": [0.1, 0.97, 0.1]},
    )
    found = with_usual(frame, reference)
    assert found["usual"].to_list() == [pytest.approx(0.95), pytest.approx(0.95), None]
    assert found["excess"].to_list() == [pytest.approx(-0.45), pytest.approx(0.01), None]


def test_a_distribution_adds_up_the_windows_asked_for(store: Store) -> None:
    start = portfolio.windows()[10][0]
    one = views.distribution(store, "delay-30", "origin", start, start + timedelta(days=1))
    two = views.distribution(store, "delay-30", "origin", start, start + timedelta(days=2))
    assert one is not None and two is not None
    assert one.current.tolist() == [310, 300, 260, 0, 10]
    assert two.current.tolist() == [620, 600, 520, 0, 20]
    assert one.names == ("EWR", "JFK", "LGA", "other", "unseen")
    assert one.reference.tolist() == [90 * n for n in one.current]


def test_an_unknown_column_or_a_model_without_reference_has_no_distribution(store: Store) -> None:
    start = portfolio.windows()[10][0]
    assert views.distribution(store, "delay-30", "nope", start, start + timedelta(days=1)) is None
    assert views.distribution(store, "cape-islands", "temp", start, start + timedelta(days=1)) is None


def test_scores_leave_out_windows_whose_labels_still_arrive(store: Store) -> None:
    last = [window for window in portfolio.windows() if window[1] <= portfolio.NOW][-4:]
    found = views.scores(store, "delay-30", last[0][0], None)
    assert found is not None
    assert found.rows == 2 * 20 * 44  # two of the four days are two days old
    assert found.labelled == 2 * 20 * 40
    assert found.confusion.sum() == found.labelled


def test_calibration_of_a_calibrated_score_lies_on_the_diagonal(store: Store) -> None:
    found = views.scores(store, "delay-30", None, None)
    assert found is not None and found.calibration is not None
    assert np.allclose(found.calibration["score"], found.calibration["rate"], atol=0.01)
    assert (found.calibration["lower"] < found.calibration["rate"]).all()
    assert len(found.calibration) == 10


def test_a_model_without_classes_has_no_scores(store: Store) -> None:
    assert views.scores(store, "eta-air-time", None, None) is None
