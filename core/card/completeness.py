"""How complete a model card is: which of its sections (Mitchell et al. 2019) have something to say."""

from collections.abc import Collection, Mapping

from core.declaration import Declaration
from core.records import Version

SECTIONS = (
    *("details", "intended_use", "factors", "metrics", "evaluation_data", "training_data"),
    *("quantitative_analyses", "ethical_considerations", "caveats"),
)
TITLES: Mapping[str, str] = {
    "details": "Model details",
    "intended_use": "Intended use",
    "factors": "Factors",
    "metrics": "Metrics and thresholds",
    "evaluation_data": "Evaluation data",
    "training_data": "Training data",
    "quantitative_analyses": "Quantitative analyses",
    "ethical_considerations": "Ethical considerations",
    "caveats": "Caveats and recommendations",
}
# How a section that says nothing yet is filled; a text that a person enters fills any of them.
HOW: Mapping[str, str] = {
    "details": "Give the model a description in its declaration.",
    "intended_use": "Describe the use case in use_cases/*.yaml and name it in the declaration (use_case).",
    "factors": "Declare segments or protected attributes.",
    "metrics": "Add a monitor, or attach evidence of performance with steward evaluate.",
    "evaluation_data": "Register the version with its evaluation datasets.",
    "training_data": "Register the version with its training datasets.",
    "quantitative_analyses": "Attach evidence of performance with steward evaluate.",
    "ethical_considerations": "Write who could be harmed, how, and what was done about it.",
    "caveats": "Write what the model must not be used for, and what is not known about it.",
}


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
