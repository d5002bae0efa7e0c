"""Installs one Python package into the resource folder. A program of its own, which an api
process starts without a shell:

    python3 -I install.py ROOT PACKAGE [INDEX_URL]

pip puts the package and what it needs beside the folder of scripts' packages; then each
part takes the place of the one before it. Only wheels: a package that has to be built
would run its author's program here, as the user of the api processes. Writes one line,
{"ok": true} or {"ok": false, "message": …, "stderr": …}."""

import compileall
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse

LIMIT_S = 600
MAX_TEXT = 16384
FOLDER = 'extra-python-packages'
TEMPORARY = '.api'


class Refused(Exception):
    """pip did not do it; args: message, stderr."""


def canonical(name):
    return re.sub(r'[-_.]+', '-', name).lower()


def pip(folder, work, package, index):
    words = [sys.executable, '-I', '-m', 'pip', 'install', '--isolated', '--no-input', '--quiet',
             '--disable-pip-version-check', '--no-cache-dir', '--no-compile',
             '--only-binary=:all:', '--target', folder]
    if index:
        place = urllib.parse.urlsplit(index)
        words.append(f'--index-url={index}')
        if place.scheme == 'http':
            words.append(f'--trusted-host={place.netloc.rpartition("@")[2]}')
    done = subprocess.run(
        [*words, '--', package], stdin=subprocess.DEVNULL, capture_output=True, cwd=work,
        timeout=LIMIT_S - 30,
        env={'PATH': '/usr/bin:/bin', 'LANG': 'C.UTF-8', 'HOME': work, 'TMPDIR': work})
    if done.returncode != 0:
        text = done.stderr.decode(errors='replace').strip()
        raise Refused(text.splitlines()[-1] if text else f'pip ended with {done.returncode}',
                      text[-MAX_TEXT:])


# --- putting it in its place ---------------------------------------------------------------


def distributions(folder):
    return [each for each in importlib.metadata.distributions(path=[folder])
            if each.metadata['Name']]


def recorded(folder, names):
    """Paths, from the folder on, of the files of these distributions."""
    found = set()
    for each in distributions(folder):
        if canonical(each.metadata['Name']) in names:
            found |= {os.path.normpath(str(path)) for path in each.files or ()}
    return {path for path in found if not os.path.isabs(path) and path.split(os.sep)[0] != '..'}


def files_below(top, start=''):
    """Paths, from top on, of all files but compiled ones."""
    for folder, folders, files in os.walk(os.path.join(top, start)):
        folders[:] = [name for name in folders if name != '__pycache__']
        for name in files:
            yield os.path.relpath(os.path.join(folder, name), top)


def put(new, extra, old_files, name, aside):
    """One name of the new folder; what stood there moves aside. Folders that other
    distributions have files in (namespaces) are mixed, file by file."""
    source, target = os.path.join(new, name), os.path.join(extra, name)
    is_mixed = (os.path.isdir(source) and os.path.isdir(target) and not os.path.islink(target)
                and any(path not in old_files for path in files_below(extra, name)))
    if is_mixed:
        for inner in os.listdir(source):
            put(new, extra, old_files, os.path.join(name, inner), aside)
        return
    if os.path.lexists(target):
        os.rename(target, os.path.join(aside, str(len(os.listdir(aside)))))
    os.rename(source, target)


def remove(extra, path):
    """A file that the new version does not have, and the folders that are empty then."""
    full = os.path.join(extra, path)
    if os.path.lexists(full) and not os.path.isdir(full):
        os.unlink(full)
    folder = os.path.dirname(full)
    while folder != extra and os.path.isdir(folder) \
            and not set(os.listdir(folder)) - {'__pycache__'}:
        shutil.rmtree(folder)
        folder = os.path.dirname(folder)


def place(new, extra, aside):
    names = {canonical(each.metadata['Name']) for each in distributions(new)}
    new_files = set(files_below(new))
    old_files = recorded(extra, names)
    for name in os.listdir(new):
        put(new, extra, old_files, name, aside)
    for path in sorted(old_files - new_files, reverse=True):
        remove(extra, path)
    compileall.compile_dir(extra, quiet=2)


def install(root, package, index):
    extra, temporary = os.path.join(root, FOLDER), os.path.join(root, TEMPORARY)
    os.makedirs(temporary, 0o700, exist_ok=True)
    os.makedirs(extra, 0o755, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='pip-', dir=temporary) as work:
        new, aside = os.path.join(work, 'new'), os.path.join(work, 'old')
        os.mkdir(new)
        os.mkdir(aside)
        pip(new, work, package, index)
        place(new, extra, aside)


def main(root, package, index=None):
    os.closerange(3, 1 << 16)       # nothing of the api process is ours
    os.umask(0o022)
    os.nice(10)
    signal.alarm(LIMIT_S)
    answer = {'ok': True}
    try:
        install(root, package, index)
    except Refused as refused:
        answer = {'ok': False, 'message': refused.args[0], 'stderr': refused.args[1]}
    except subprocess.TimeoutExpired:
        answer = {'ok': False, 'message': f'pip took more than {LIMIT_S - 30} s', 'stderr': ''}
    except Exception as error:
        answer = {'ok': False, 'message': f'{type(error).__name__}: {error}', 'stderr': ''}
    print(json.dumps(answer))


if __name__ == '__main__':
    main(*sys.argv[1:])
