"""A declaration that is right, and ways to make it wrong."""

REGRESSION = """\
model: eta
owner: ops@example.com
task: regression
risk_tier: 2
predictions: {path: eta/*.parquet, timestamp: at, prediction: minutes, actual: landed, prediction_id: id}
features: {numeric: [distance], categorical: [origin]}
"""

BINARY = """\
model: delay-30
owner: ops@example.com
task: binary_classification
risk_tier: 2
predictions: {path: delay/*.parquet, timestamp: at, timezone: America/New_York, score: p, actual: late}
features: {numeric: [temp, age], categorical: [origin, sex]}
segments: [origin]
protected: [sex, {column: age, bins: [25, 40]}]
"""


def changed(text: str, *lines: str) -> str:
    """Return a declaration with top-level lines replaced (by key) or added."""
    keys = tuple(line.partition(":")[0] + ":" for line in lines)
    kept = [line for line in text.splitlines() if not line.startswith(keys)]
    return "\n".join([*kept, *lines]) + "\n"
