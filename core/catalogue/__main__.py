"""Write docs/metrics.md from the catalogue: ``python -m core.catalogue > docs/metrics.md``."""

from core.catalogue import CATALOGUE, MetricInfo


def markdown() -> str:
    """Return docs/metrics.md, the table of all metrics by family."""
    families = list(dict.fromkeys(info.family for info in CATALOGUE.values()))
    parts = [_INTRODUCTION]
    for family in families:
        parts.append(
            f"\n## {family.capitalize()}\n\n| name | what | better | range | labels | source |\n"
            "|---|---|---|---|---|---|\n"
        )
        parts += [_line(info) for info in CATALOGUE.values() if info.family == family]
    return "".join(parts)


_INTRODUCTION = """# Metrics

Written from core/catalogue by `python -m core.catalogue > docs/metrics.md`; a test holds it equal.

p is the reference's share and q the window's. Shares are 0–1, never percent. A number that cannot be given
(no rows, no positive label, one group only) is null and says why; it is never 0. Every metric carries the
rows `n` it rests on; shares, means and all of performance a sampling error (one standard error) and a 95 %
interval too; distances carry what sampling alone would show (`expected`). In fairness, "positive" is the
favourable outcome; a group below the minimum size is shown and not judged. A metric waits for labels where
the table says so, and drift of the label itself does too.
"""


def _line(info: MetricInfo) -> str:
    low, high = info.range
    bounds = f"{'−∞' if low is None else f'{low:g}'} … {'∞' if high is None else f'{high:g}'}"
    unit = f" {info.unit}" if info.unit else ""
    definition = info.definition.replace("|", "\\|")
    return (
        f"| `{info.name}` | **{info.title}.** {definition} | {info.better} | {bounds}{unit} "
        f"| {'yes' if info.needs_labels else ''} | {info.source} |\n"
    )


if __name__ == "__main__":
    print(markdown(), end="")
