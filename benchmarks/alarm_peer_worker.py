"""Inside a peer's own environment: judge the streams with Evidently or NannyML and write what they said.

    python alarm_peer_worker.py PEER LAW ROWS REFERENCES FILE

One JSON line a reference: for each quiet window and column a score (larger is more drift) and whether the
peer's own threshold alarms, and the same for the drifting column of each drift.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.alarm_streams import FOR_PEERS, REFERENCE, Stream, stream

# Of the 20 windows that the streams have: the peers take their time.
WINDOWS = {"evidently": 5, "evidently-ks": 5, "nannyml": 10}
warnings.filterwarnings("ignore")


def frames(
    made: Stream, seed: int, windows: int
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str], list[str]]:
    """Return reference and current rows; a drift is one more column, of the rows it comes from."""
    usual = {name: rows[:REFERENCE].ravel() for name, rows in made.columns.items()}
    now = {name: rows[REFERENCE : REFERENCE + windows].ravel() for name, rows in made.columns.items()}
    categorical, of = set(made.categorical), {}
    for kind in FOR_PEERS:
        name, rows = made.drifted(seed, kind)
        of[kind] = f"{kind} ({name})"
        usual[of[kind]], now[of[kind]] = usual[name], rows[:windows].ravel()
        if name in categorical:
            categorical.add(of[kind])
    texts = dict.fromkeys(categorical, "object")
    return (
        _text(pd.DataFrame(usual), texts),
        _text(pd.DataFrame(now), texts),
        of,
        sorted(categorical),
    )


def evidently(usual: pd.DataFrame, now: pd.DataFrame, categorical: list[str], rows: int, **methods: str):
    """Return scores and alarms of each window; a score is the value over the threshold, or −ln p."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    numbers = [name for name in usual if name not in categorical]
    kinds = DataDefinition(numerical_columns=numbers, categorical_columns=categorical)
    past = Dataset.from_pandas(usual, kinds)
    scores, alarms = [], []
    for start in range(0, len(now), rows):
        current = Dataset.from_pandas(now.iloc[start : start + rows], kinds)
        found = Report([DataDriftPreset(**methods)]).run(current, past).dict()["metrics"]
        values = {}
        for each in found:
            said = each["config"]
            if "column" in said:
                p_value = "p_value" in said["method"]
                value = float(each["value"])
                score = -np.log(max(value, 1e-300)) if p_value else value / said["threshold"]
                values[said["column"]] = (score, value < said["threshold"] if p_value else score >= 1)
        scores.append({name: float(score) for name, (score, _) in values.items()})
        alarms.append({name: bool(alarm) for name, (_, alarm) in values.items()})
    return pd.DataFrame(scores), pd.DataFrame(alarms)


def nannyml(usual: pd.DataFrame, now: pd.DataFrame, categorical: list[str], rows: int):
    """Return scores and alarms of each window; a score counts deviations of the reference's chunks."""
    import nannyml as nml

    calculator = nml.UnivariateDriftCalculator(
        column_names=list(usual), treat_as_categorical=categorical, chunk_size=rows
    ).fit(usual)
    found = calculator.calculate(now)
    before, after = (found.filter(period=each).to_df() for each in ("reference", "analysis"))
    scores, alarms = {}, {}
    for name in usual:
        values, past = (each[name, "jensen_shannon", "value"].astype(float) for each in (after, before))
        scores[name] = ((values - past.mean()) / max(past.std(ddof=0), 1e-12)).to_numpy()
        alarms[name] = after[name, "jensen_shannon", "alert"].astype(bool).to_numpy()
    return pd.DataFrame(scores), pd.DataFrame(alarms)


PEERS = {
    "evidently": evidently,
    "evidently-ks": lambda *given: evidently(*given, num_method="ks", cat_method="chisquare"),
    "nannyml": nannyml,
}


def main() -> None:
    peer, law, rows, references, file = sys.argv[1:]
    out = Path(file)
    begun = len(out.read_text().splitlines()) if out.exists() else 0
    with out.open("a") as lines:
        for seed in range(begun, int(references)):
            made = stream(seed, law, int(rows))
            usual, now, of, categorical = frames(made, seed, WINDOWS[peer])
            scores, alarms = PEERS[peer](usual, now, categorical, int(rows))
            quiet = list(made.columns)
            drifts = {kind: [scores[n].tolist(), alarms[n].astype(float).tolist()] for kind, n in of.items()}
            # The category of 1,000 values alarms nearly always: no threshold for all columns could stand it.
            short = [name for name in quiet if not name.startswith("zipf")]
            told = {
                "quiet": scores[short].max(axis=1).tolist(),
                "alarms": alarms[quiet].any(axis=1).astype(float).tolist(),
                "pages": int((alarms[quiet] & alarms[quiet].shift(fill_value=False)).to_numpy().sum()),
                "drifts": drifts,
            }
            lines.write(json.dumps(told) + "\n")
            lines.flush()


def _text(frame: pd.DataFrame, texts: dict[str, str]) -> pd.DataFrame:
    return frame.assign(**{name: "v" + frame[name].astype(int).astype(str) for name in texts})


if __name__ == "__main__":
    main()
