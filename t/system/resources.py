"""The resource folder through the management API, for its tests: requests, forms that upload,
and the folder itself."""

import contextlib
import os
import pwd

BASE = '/api/v1/resources'


@contextlib.contextmanager
def kept_clean(node):
    """The resource folder; what a test puts there is gone afterwards, and nothing is aside."""
    folder = node.install / 'data/resources'
    before = set(os.listdir(folder)) | {'.api'}
    umask = os.umask(0o007)     # as the scripts' user makes files
    yield folder
    os.umask(umask)
    for name in set(os.listdir(folder)) - before:
        remove(folder / name)
    left = os.listdir(folder / '.api') if (folder / '.api').exists() else []
    assert left == [], f'left aside: {left}'


def remove(path):
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    for below in path.iterdir():
        remove(below)
    path.rmdir()


def form(content=b'content', filename='a.txt', fields=None, files=1):
    """A multipart body and its headers."""
    boundary = 'b0undary'
    parts = []
    for name, value in (fields or {}).items():
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
                     f'{value}\r\n'.encode())
    for i in range(files):
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="files"; '
                     f'filename="{filename if i == 0 else "other" + str(i)}"\r\n\r\n'.encode()
                     + content + b'\r\n')
    parts.append(f'--{boundary}--\r\n'.encode())
    return b''.join(parts), {'Content-Type': f'multipart/form-data; boundary={boundary}'}


def upload(api, *words, **more):
    body, headers = form(*words, **more)
    return api.post(BASE, body, headers)


def operate(api, operation, target, argument=None):
    body = {'targetPath': target, 'operation': operation}
    if argument is not None:
        body['operationArgument'] = argument
    return api.post(f'{BASE}/operate', body)


def as_worker(path, action):
    """Does the user of the scripts get to do it?"""
    entry = pwd.getpwnam('dff-worker')
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            action(path)
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0
