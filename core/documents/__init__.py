"""Documents that leave Steward as one file: they open anywhere, offline, in light and dark."""
