"""What cannot be tested under the sanitizers (t/run.sh --asan), each with its reason."""

import os

import pytest

SANITIZED = 'SANITIZER_RUNTIMES' in os.environ

REASONS = {
    'segfault': 'the sanitizer reports the bad access itself, and exits',
    'every address': 'the sanitizer has addresses that must not be read',
    'preload': 'nginx is started with the libraries of the sanitizer, and no others',
}


def impossible(what):
    """A mark: the test is skipped there. Freed memory, which the sanitizers keep for a while,
    and their own slowness are no reason: the one check is left out, a limit is wider."""
    return pytest.mark.skipif(SANITIZED, reason=REASONS[what])
