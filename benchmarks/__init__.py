"""How fast Steward is, as ratios to a floor measured in the same run."""
