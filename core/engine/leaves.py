"""The kernel for estimated errors: how many predictions fall into each leaf of the reference's loss tree."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.engine.counts import Counts, blank
from core.engine.roles import Counted
from core.engine.run import Run
from core.entities import Kind, LossTree, Split


def leaves(run: Run, tree: LossTree, columns: Sequence[Counted]) -> Counts:
    """Count the rows with a finite prediction by leaf.

    Parameters
    ----------
    columns : the numbers and categories of the traffic, the split ones among them
    """
    aliases = {each.column: each.alias for each in columns}
    params: dict[str, object] = {}
    leaf = _below(0 if tree.splits else -1, tree.splits, aliases, params)
    tallied = run.aggregate(
        ["count(*) AS n"],
        by=["leaf"],
        derived={"leaf": f"CASE WHEN isfinite(prediction_number) THEN {leaf} ELSE -1 END"},
        params=params,
    )
    found = blank("", Kind.LEAVES, run.groups.height, len(tree.losses), 0)
    at, place, n = run.rows_of(tallied), tallied["leaf"].to_numpy(), tallied["n"].to_numpy()
    here = place >= 0
    np.add.at(found.counts, (at[here], place[here]), n[here])
    np.add.at(found.tallies[:, 0], at[here], n[here])
    np.add.at(found.tallies[:, 1], at[~here], n[~here])
    return found


def _below(at: int, splits: Sequence[Split], aliases: Mapping[str, str], params: dict[str, object]) -> str:
    """Return the leaf of a row as nested CASEs; values and limits become parameters."""
    if at < 0:
        return str(-1 - at)
    split = splits[at]
    left, right = (_below(child, splits, aliases, params) for child in (split.left, split.right))
    alias, name = aliases[split.column], f"split_{at}"
    if split.threshold is None:
        params[name] = list(split.words)
        known = f"list_contains(CAST(${name} AS VARCHAR[]), {alias}) = {split.words_left}"
        goes_left = f"CASE WHEN {alias} IS NULL THEN {split.missing_left} ELSE {known} END"
    else:
        params[name] = split.threshold
        known = f"{alias} <= CAST(${name} AS DOUBLE)"
        goes_left = f"CASE WHEN isfinite({alias}) THEN {known} ELSE {split.missing_left} END"
    return f"CASE WHEN {goes_left} THEN {left} ELSE {right} END"
