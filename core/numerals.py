"""Numbers as people read them: three significant digits, thousands apart, never an exponent."""


def significant(value: float) -> str:
    """Return a number rounded to three significant digits.

    Examples
    --------
    >>> significant(0.79613), significant(23_456.7), significant(-0.00052)
    ('0.796', '23,500', '-0.00052')
    """
    return f"{float(f'{value:.3g}'):,.10f}".rstrip("0").rstrip(".") if value else "0"
