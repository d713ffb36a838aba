"""How complete a model card is: which of its sections (Mitchell et al. 2019) have something to say."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Told:
    """Which of the things that fill a section the records of a model and its version hold."""

    description: bool
    use_case: bool
    factors: bool  # segments or protected attributes
    monitors: bool
    performance: bool  # evidence of it, bound to the artifact
    evaluation: bool  # datasets
    training: bool


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
    told = Told(
        description=bool(declaration.description),
        use_case=use_case,
        factors=bool(declaration.segments or declaration.protected),
        monitors=bool(declaration.monitors),
        performance="performance" in evidence,
        evaluation=version is not None and bool(version.evaluation),
        training=version is not None and bool(version.training),
    )
    return filled_by(told, texts={section for section, text in texts.items() if text})


def filled_by(told: Told, *, texts: Collection[str]) -> tuple[str, ...]:
    """Return the sections that are filled, in the order of SECTIONS; `texts` has those somebody wrote in."""
    said = {
        "details": told.description,
        "intended_use": told.use_case,
        "factors": told.factors,
        "metrics": told.monitors or told.performance,
        "evaluation_data": told.evaluation,
        "training_data": told.training,
        "quantitative_analyses": told.performance,
    }
    return tuple(section for section in SECTIONS if said.get(section) or section in texts)


def completeness(sections: Collection[str]) -> float:
    """Return the share of SECTIONS that are filled; 1 is a complete card."""
    return len(set(sections) & set(SECTIONS)) / len(SECTIONS)
