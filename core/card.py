"""How complete a model card is: which of its sections (Mitchell et al. 2019) have something to say."""

from collections.abc import Collection, Mapping

from core.declaration import Declaration
from core.records import Version

SECTIONS = (
    *("details", "intended_use", "factors", "metrics", "evaluation_data", "training_data"),
    *("quantitative_analyses", "ethical_considerations", "caveats"),
)


def filled(
    declaration: Declaration,
    version: Version | None,
    *,
    use_case: bool,
    evidence: Collection[str],
    texts: Mapping[str, str],
) -> tuple[str, ...]:
    """Return the sections that records or entered texts fill, in the order of SECTIONS.

    Parameters
    ----------
    use_case : whether the model's use case is registered
    evidence : kinds of evidence that are attached to the version
    texts : what people entered, by section
    """
    said = {
        "details": bool(declaration.description and declaration.owner),
        "intended_use": use_case,
        "factors": bool(declaration.segments or declaration.protected),
        "metrics": bool(declaration.monitors) or "performance" in evidence,
        "evaluation_data": version is not None and bool(version.evaluation),
        "training_data": version is not None and bool(version.training),
        "quantitative_analyses": "performance" in evidence,
    }
    return tuple(section for section in SECTIONS if said.get(section) or texts.get(section))


def completeness(sections: Collection[str]) -> float:
    """Return the share of SECTIONS that are filled; 1 is a complete card."""
    return len(set(sections) & set(SECTIONS)) / len(SECTIONS)
