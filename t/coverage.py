"""Checks the tables of t/README.md, scripting.md, management.md and faults.md: every test
that they name must exist.

    python3 t/coverage.py

A test is `file`: its name, as after "=== " in a *.t, or a test function of a *.py; a
comma or "and" is part of a name, so several tests stand on lines of their own (<br>).
"""

import pathlib
import re
import sys

DOCUMENTS = ('README.md', 'scripting.md', 'management.md', 'faults.md')
HERE = pathlib.Path(__file__).resolve().parent
TEST = re.compile(r'`([\w/]+\.(?:t|py))`: (.+)')


def names(path):
    text = path.read_text()
    if path.suffix == '.t':
        return set(re.findall(r'(?m)^=== (.*?)\s*$', text))
    return set(re.findall(r'(?m)^def (test_\w+)', text))


def rows(document):
    """(line number, cell of tests) of the tables with the head "row | test"."""
    inside = False
    for number, line in enumerate((HERE / document).read_text().splitlines(), 1):
        cells = [cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1]]
        if cells == ['row', 'test']:
            inside = True
        elif not cells:
            inside = False
        elif inside and cells != ['---', '---']:
            yield number, cells[1] if len(cells) == 2 else f'{len(cells)} cells'


def problems(document):
    known, count = {}, 0
    for number, cell in rows(document):
        count += 1
        for entry in cell.split('<br>'):
            found = TEST.fullmatch(entry.strip())
            if entry.startswith('(') and entry.endswith(')'):
                continue        # why there is no test
            if not found:
                yield f'line {number}: no test: {entry!r}'
                continue
            path, name = HERE / found[1], found[2].replace('\\|', '|')
            if path not in known:
                known[path] = names(path) if path.exists() else None
            if known[path] is None:
                yield f'line {number}: no file t/{found[1]}'
            elif name not in known[path]:
                yield f'line {number}: t/{found[1]} has no test "{name}"'
    if count == 0:
        yield 'no table with the head "row | test"'


def main():
    found = [f't/{document}: {problem}' for document in DOCUMENTS for problem in problems(document)]
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
