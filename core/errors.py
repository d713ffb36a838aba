"""Every error Steward raises on purpose, as one tree; each says what was given, expected and to be done.

StewardError
├── InputError                what a person gave cannot be used (exit code 2)
│   ├── DeclarationError      a model declaration or steward.yaml
│   ├── PathError             a path outside the allowed roots, or absent
│   ├── LogError              a prediction log or label file that cannot be read
│   ├── ComparisonError       the files or options of a one-off comparison
│   └── ScoringError          a scoring command that does not answer as it should
├── MetricError               counts that cannot give a number
│   └── BinningError          counts on different bins
├── StoreError                the registry database or the statistics files
│   ├── SchemaError           a store of another Steward version
│   ├── LeaseHeld             another runner works on this model
│   └── LeaseLost             this runner was too slow and must not write
├── DeliveryError             a channel did not take a message
├── StateError                this step does not lead on from the state something is in
├── Conflict                  somebody changed meanwhile what the person saw
└── NotAllowed                the actor may not do this
    └── NotSignedIn           nobody is known to be there: no sign-in, or one that is over
"""


class StewardError(Exception):
    """Anything Steward refuses or cannot do, with a message for the person who asked."""


class InputError(StewardError):
    """What a person gave cannot be used."""


class DeclarationError(InputError):
    """A model declaration or steward.yaml says something Steward cannot accept."""


class PathError(InputError):
    """A path is absent or leads outside the allowed roots."""


class LogError(InputError):
    """A prediction log or label file cannot be read as declared."""


class ComparisonError(InputError):
    """Two files cannot be compared as asked."""


class ScoringError(InputError):
    """A scoring command failed, took too long, or did not answer what it was asked."""


class MetricError(StewardError):
    """These counts cannot give a number."""


class BinningError(MetricError):
    """Counts were made on different bins, or are no counts."""


class StoreError(StewardError):
    """The registry database or a statistics file cannot be used."""


class SchemaError(StoreError):
    """The registry database was made by another version of Steward."""


class LeaseHeld(StoreError):
    """Another runner holds this model's lease."""


class LeaseLost(StoreError):
    """The lease was taken over; nothing its runner still holds may be written."""


class DeliveryError(StewardError):
    """A channel did not take a message; `taken` names the recipients that did."""

    def __init__(self, text: str, *, taken: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.taken = taken


class StateError(StewardError):
    """A step the state machine does not have from here."""


class Conflict(StewardError):
    """What the person acted on has changed since they saw it; nothing was written."""


class NotAllowed(StewardError):
    """The actor may not run this command."""


class NotSignedIn(NotAllowed):
    """There is no sign-in, or it is over, or no longer good enough for this."""
