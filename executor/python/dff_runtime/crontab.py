"""Is a text a 5-field crontab? The same rules as the scheduler's.

A field is a comma list of `*`, `n`, `a-b`, the first and last optionally with `/step`;
months and weekdays also by their English three-letter names; Sunday is 0 or 7.
"""

import re

MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split()
WEEKDAYS = 'sun mon tue wed thu fri sat'.split()

# name, lowest, highest, names of values, value of the first name
FIELDS = (
    ('minute', 0, 59, (), 0),
    ('hour', 0, 23, (), 0),
    ('day of month', 1, 31, (), 0),
    ('month', 1, 12, MONTHS, 1),
    ('day of week', 0, 7, WEEKDAYS, 0),
)

ITEM = re.compile(r'(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[0-9]{1,4}))?', re.ASCII)


def _number(text, field):
    _, lowest, highest, names, first = field
    text = text.lower()
    if text in names:
        return names.index(text) + first
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        return None
    number = int(text)
    return number if lowest <= number <= highest else None


def _item_is_valid(text, field):
    match = ITEM.fullmatch(text)
    if match is None:
        return False
    if match['step'] is not None and not 1 <= int(match['step']) <= field[2]:
        return False
    if match['first'] is None:
        return True
    first = _number(match['first'], field)
    if first is None:
        return False
    if match['last'] is None:
        return match['step'] is None
    last = _number(match['last'], field)
    return last is not None and first <= last


def problem(text):
    """None when text is a crontab, else what is wrong with it."""
    if not isinstance(text, str):
        return 'must be a str'
    parts = text.split()
    if len(parts) != len(FIELDS):
        return f'must have {len(FIELDS)} fields (minute hour day month weekday), has {len(parts)}'
    for part, field in zip(parts, FIELDS):
        for item in part.split(','):
            if not _item_is_valid(item, field):
                return f'{field[0]} "{part}" is not a list of values from {field[1]} to {field[2]}'
    return None
