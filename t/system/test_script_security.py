"""What scripts cannot read or reach of the machine they run on: docs/security.md says what
is protected; each row of its first table has a test here."""

import json
import os
import pathlib

import pytest

import sanitized
import script_node


@pytest.fixture(scope='module')
def own(test_folder, session_node):
    with script_node.running(test_folder, session_node) as node:
        node.allow('t__run.')        # failures of functions are ERROR lines
        yield node


@pytest.fixture(scope='module')
def secrets(own):
    """Texts that no script may see: they are in the configuration file of the node."""
    found = [own.setting(key) for key in ('SECRET', 'MYSQL_PASSWORD', 'REDIS_PASSWORD')]
    assert all(len(text) >= 16 for text in found)
    return found


def has_secret(secrets, text):
    return any(secret in text for secret in secrets)


# Finds secrets in files; a script gets them in two halves, so that it has none itself.
SEARCH = r'''
import os

def search(paths, halves):
    words = [(a + b).encode() for a, b in halves]
    found, read = [], 0
    for path in paths:
        try:
            with open(path, "rb") as file: data = file.read(8 << 20)
        except OSError: continue
        read += 1
        found += [path for word in words if word in data]
    return [found, read]
'''


def halves(secrets):
    return [[text[:8], text[8:]] for text in secrets]


def test_environment_and_configuration_objects_have_no_secret(own, secrets):
    text = json.dumps(own.value(
        'import os, sys, gc\ndef f():\n    return [dict(os.environ), sys.argv, sys.orig_argv,'
        ' DFF.CONFIG.dict(), DFF.CONFIG.list(), repr(vars(type(DFF))),'
        ' [repr(x)[:500] for x in gc.get_objects() if isinstance(x, (dict, list, tuple))][:20000]]'))
    assert not has_secret(secrets, text)
    for key in ('SECRET', 'MYSQL_PASSWORD', 'REDIS_PASSWORD'):
        assert own.error(f'def f(): return DFF.CONFIG("{key}")')['detail']['etype'] == \
            'AccessDenyException'


def test_proc_self_has_no_secret(own, secrets):
    found, read = own.value(SEARCH + r'''
def f(halves):
    return search(["/proc/self/" + name for name in
                   ("environ", "cmdline", "maps", "status", "stat", "mountinfo", "limits")], halves)
''', {'halves': halves(secrets)})
    assert found == [] and read >= 4


@sanitized.impossible('every address')
def test_the_memory_of_the_worker_has_no_secret(own, secrets):
    """Read as a script can, whatever /proc/self/mem says: by address."""
    hits, size, marks = own.value(r'''
import ctypes
MARK = ["mark-in-" + "memory", "x"]
def f(halves):
    hits = size = marks = 0
    for line in open("/proc/self/maps").read().splitlines():
        place, rights = line.split()[:2]
        if rights[0] != "r" or "[v" in line: continue
        first, last = (int(x, 16) for x in place.split("-"))
        data = ctypes.string_at(first, last - first)
        size += len(data)
        marks += b"mark-in-" + b"memory" in data
        for a, b in halves:
            at = data.find(a.encode())
            while at != -1:
                hits += data[at + len(a):at + len(a) + len(b)] == b.encode()
                at = data.find(a.encode(), at + 1)
        del data
    return [hits, size, marks]
''', {'halves': halves(secrets)})
    assert hits == 0 and size > 10 << 20
    assert marks > 0          # what is there is found


def test_files_with_secrets_cannot_be_read(own, secrets):
    folder = own.install
    paths = [own.config, *(path for part in ('run', 'data', 'nginx', 'bin')
                           for path in (folder / part).rglob('*') if path.is_file())]
    found, read = own.value(SEARCH + 'def f(paths, halves): return search(paths, halves)',
                            {'paths': [str(path) for path in paths], 'halves': halves(secrets)})
    assert found == [] and read >= 1
    error = own.error('def f(path): return open(path).read()', {'path': str(own.config)})
    assert error['detail']['etype'] == 'PermissionError'


def pids(own):
    """Processes of the node that are not of the workers' user."""
    found = []
    for part in ('executor', 'nginx', 'redis'):
        for pid in own.processes(part):
            if os.stat(f'/proc/{pid}').st_uid != own.worker_uid:
                found.append(pid)
    return found


@pytest.fixture(scope='module', autouse=True)
def worker_uid(own):
    own.worker_uid = own.value('import os\ndef f(): return os.getuid()')
    assert own.worker_uid != 0


def test_other_processes_of_the_node_cannot_be_looked_into(own, secrets):
    theirs = [pid for pid in pids(own)
              if pathlib.Path(f'/proc/{pid}/status').read_text().split('Uid:')[1].split()[0]
              != str(own.worker_uid)]
    assert len(theirs) >= 3      # master, nginx, Redis
    readable = own.value(r'''
import os
def f(pids):
    readable = []
    for pid in pids:
        for name in ("environ", "mem", "maps", "root/etc/passwd", "cwd/x", "fd", "io", "auxv"):
            try:
                path = f"/proc/{pid}/{name}"
                os.listdir(path) if name == "fd" else open(path, "rb").read(1)
                readable.append(path)
            except OSError: pass
    return readable
''', {'pids': theirs})
    assert readable == []
    lines = own.value('def f(pids): return [open(f"/proc/{p}/cmdline").read() for p in pids]',
                      {'pids': theirs})
    assert not has_secret(secrets, json.dumps(lines))


def test_other_workers_and_the_zygote_cannot_be_looked_into(own):
    same = [pid for pid in own.processes('executor')
            if pathlib.Path(f'/proc/{pid}/status').read_text().split('Uid:')[1].split()[0]
            == str(own.worker_uid)]
    assert len(same) >= 2
    readable = own.value(r'''
import os, ctypes
def f(pids):
    readable = []
    libc = ctypes.CDLL(None, use_errno=True)
    for pid in pids:
        if pid == os.getpid(): continue
        for name in ("environ", "mem", "maps", "fd/0"):
            try: open(f"/proc/{pid}/{name}", "rb").read(1); readable.append([pid, name])
            except OSError: pass
        if libc.ptrace(16, pid, 0, 0) == 0: readable.append([pid, "ptrace"])
    return readable
''', {'pids': same})
    assert readable == []


def test_the_services_socket_gives_no_secret_of_the_platform(own, secrets):
    """A script may talk to it as DFF does."""
    text = own.run(r'''
import json, socket, struct
def f(path):
    out = []
    for op in ("env.list", "store.get", "src.get", "config.get", "secret", "../x"):
        s = socket.socket(socket.AF_UNIX); s.settimeout(3); s.connect(path)
        data = json.dumps({"op": op, "key": "SECRET", "scope": "x", "id": "SECRET"}).encode()
        s.sendall(struct.pack(">I", len(data)) + data)
        out.append(s.recv(1 << 16).decode("latin-1"))
    return out
''', {'path': str(own.install / 'run/services.sock')}).text
    assert 'InvalidOptionException' in text or 'NotFoundException' in text, text
    assert not has_secret(secrets, text)


def test_sockets_of_the_platform_are_closed_to_scripts(own):
    """The database needs a password; Redis, nginx's and the executor's own sockets are not
    for the workers' user at all or ask for one."""
    answers = own.value(r'''
import os, socket, stat
def f(folder):
    out = {}
    for path, _, names in os.walk(folder):
        for name in names:
            full = os.path.join(path, name)
            try:
                if not stat.S_ISSOCK(os.stat(full).st_mode): continue
                s = socket.socket(socket.AF_UNIX); s.settimeout(2); s.connect(full)
                s.sendall(b"KEYS *\r\n")
                out[name] = s.recv(200).decode("latin-1")
            except OSError as error: out[name] = type(error).__name__
    return out
''', {'folder': str(own.install)})
    for name, answer in answers.items():
        assert name == 'services.sock' or 'Error' in answer or 'NOAUTH' in answer or \
            'TimeoutError' in answer, answers


def test_rights_cannot_be_regained(own):
    assert own.value(r'''
import os
def f():
    out = []
    for what in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0]),
                 lambda: os.chroot("/"), lambda: os.kill(1, 9), lambda: os.setpriority(0, 0, -5),
                 lambda: open("/etc/shadow"), lambda: os.mkdir("/etc/x"), lambda: os.chown("/tmp", 0, 0)):
        try: what(); out.append("done")
        except PermissionError: pass
    return out
''') == []
    assert own.value('import subprocess\ndef f(): return subprocess.run(["sh", "-c", "id -u; '
                     'su -c id -s /bin/sh root < /dev/null; true"], capture_output=True, text=True'
                     ').stdout.split()') == [str(own.worker_uid)]


def test_scripts_and_results_of_others_are_not_in_files(own):
    mark = 'mark-' + os.urandom(8).hex()
    own.value('def f(mark): return mark', {'mark': mark}, saveResult=True)
    paths = [str(path) for part in ('data/resources',) for path in (own.install / part).rglob('*')]
    found, _ = own.value(SEARCH + 'def f(paths, halves): return search(paths, halves)',
                         {'paths': paths, 'halves': [[mark[:8], mark[8:]]]})
    assert found == []
