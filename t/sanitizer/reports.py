"""What the sanitizers have reported about nginx's processes, ours only.

nginx and libraries keep some memory until they end; a leak counts when its stack goes
through our code.
"""

import os
import pathlib
import re

OURS = re.compile(r'ngx_http_dff|\bdff_')


def take():
    """The reports since the last call; their files are removed."""
    folder = os.environ.get('SANITIZER_REPORTS')
    found = []
    for path in sorted(pathlib.Path(folder).iterdir()) if folder else ():
        text = path.read_text(errors='replace')
        path.unlink()
        found += leaks(text) if 'LeakSanitizer: detected' in text else [text]
    return found


def leaks(text):
    """The single leaks of a report that are ours."""
    return [part for part in re.split(r'\n(?=(?:Direct|Indirect) leak of )', text)[1:]
            if OURS.search(part)]
