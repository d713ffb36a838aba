"""The benchmark of right alarms runs, goes on where it stopped, and tells what it holds."""

from benchmarks import alarm_plots, alarms


def test_a_quick_run_prints_targets_and_is_resumed_from_its_cache(tmp_path) -> None:
    cells = [(200, 20, "season")]
    first = alarms.run(tmp_path, 1, cells)
    (file,) = tmp_path.glob("*.jsonl")
    written = file.read_text()
    again = alarms.run(tmp_path, 2, cells)
    assert file.read_text().startswith(written) and len(file.read_text().splitlines()) == 2
    assert [table.title for table in again][1:] == [table.title for table in first][1:]
    assert again[0].rows[0][0] == "season, 200 rows x 20" and again[0].rows[0][-1] in ("held", "MISSED")
    alarm_plots.draw(tmp_path, tmp_path / "plots")
    assert sorted(p.name for p in (tmp_path / "plots").iterdir()) == ["alarms-power.svg", "alarms-quiet.svg"]


def test_equal_seeds_give_equal_references() -> None:
    first, second = (alarms.measure(3, "jitter", 100, 20) for _ in range(2))
    assert first.quiet == second.quiet and first.drifts == second.drifts
