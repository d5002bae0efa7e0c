"""Python packages for scripts: listed, installed from an index of ours, refused. And what a
worker tells of itself."""

import base64
import hashlib
import http.server
import io
import shutil
import threading
import zipfile

import pytest

import roles
from api import Api, bad, good
from node import wait_until

INSTALL = '/api/v1/python-packages/install'
SCRIPT = '''
@DFF.API('Imports')
def version(name):
    import importlib
    return importlib.import_module(name).VERSION
'''


def wheel(name, version, files):
    """A wheel of these files: its name and bytes."""
    info = f'{name}-{version}.dist-info'
    files = {**files, f'{info}/WHEEL': 'Wheel-Version: 1.0\nGenerator: t\n'
                                       'Root-Is-Purelib: true\nTag: py3-none-any\n',
             f'{info}/METADATA': f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n'}
    record = ''
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        record += f'{path},sha256={digest.rstrip("=")},{len(text.encode())}\n'
    files[f'{info}/RECORD'] = record + f'{info}/RECORD,,\n'
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w') as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return f'{name}-{version}-py3-none-any.whl', out.getvalue()


FILES = dict([
    wheel('t_demo', '1.0', {'t_demo/__init__.py': 'VERSION = 1\n', 't_demo/old.py': '',
                            't_demo_old.py': ''}),
    wheel('t_demo', '2.0', {'t_demo/__init__.py': 'VERSION = 2\n', 't_demo/new.py': ''}),
    wheel('t_one', '1.0', {'t_space/one.py': 'VERSION = 11\n'}),
    wheel('t_two', '1.0', {'t_space/two.py': 'VERSION = 12\n'}),
    ('t_source-1.0.tar.gz', b'whatever'),
])


@pytest.fixture(scope='module')
def index():
    """The address of a package index, and an event that its answers about t_slow wait for."""
    released = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.strip('/').split('/')[-1]
            if name == 't-slow':
                released.wait(60)
            body = FILES.get(name)
            if body is None:
                links = [f'<a href="/files/{file}">{file}</a>' for file in FILES
                         if file.split('-')[0].replace('_', '-') == name]
                body = f'<html><body>{"".join(links)}</body></html>'.encode()
            self.send_response(200)
            self.send_header('Content-Type', 'text/html')
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f'http://127.0.0.1:{server.server_address[1]}/simple', released
    released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope='module')
def admin(session_node, admin):
    yield admin
    shutil.rmtree(packages(session_node), ignore_errors=True)


def packages(node):
    return node.install / 'data/resources/extra-python-packages'


def install(api, index, pkg):
    return api.post(INSTALL, {'pkg': pkg, 'mirror': index[0]})


def installed(api):
    return {row['name']: row for row in api.read('/api/v1/python-packages/installed')}


def status(api):
    return api.read('/api/v1/python-packages/install-status')


def test_a_worker_tells_what_it_is(node):
    api = Api(node)
    assert api.read('/api/v1/worker-image-info/do/get') == api.read('/api/v1/image-info/do/get')


def test_packages_of_the_interpreter_are_listed(admin):
    found = installed(admin)
    assert found['redis']['isBuiltin'] is True and found['redis']['version']
    assert set(found['redis']) == {'name', 'version', 'isBuiltin'}
    assert list(found) == sorted(found, key=str.lower)


def test_a_package_is_installed_replaced_and_used(node, admin, index):
    node.ctl('script', 'publish', '-', '--id', 'python__it', stdin=SCRIPT)
    admin.add('auth-links', id='auln-python', funcId='python__it.version', funcCallKwargsJSON={})
    folder = packages(node)
    try:
        assert good(install(admin, index, 't_demo==1.0'))['data'] is None
        assert node.call('auln-python', name='t_demo').json == 1
        assert installed(admin)['t_demo'] == {'name': 't_demo', 'version': '1.0',
                                              'isBuiltin': False}
        state = status(admin)
        assert (state['pkg'], state['status']) == ('t_demo==1.0', 'SUCCESS')
        assert state['timestamp'].endswith('Z')
        assert (folder / 't_demo/old.py').exists() and (folder / 't_demo_old.py').exists()

        good(install(admin, index, 't-demo'))
        assert installed(admin)['t_demo']['version'] == '2.0'
        assert {path.name for path in (folder / 't_demo').glob('*.py')} == {'__init__.py', 'new.py'}
        assert not (folder / 't_demo_old.py').exists()
        assert [path.name for path in folder.glob('*.dist-info')] == ['t_demo-2.0.dist-info']

        # two packages in one folder
        good(install(admin, index, 't_one'))
        good(install(admin, index, 't_two'))
        assert node.call('auln-python', name='t_space.one').json == 11
        good(install(admin, index, 't_two'))
        assert node.call('auln-python', name='t_space.two').json == 12
        assert (folder / 't_space/one.py').exists()
        assert list((folder.parent / '.api').glob('pip-*')) == []
    finally:
        admin.delete('auth-links', 'auln-python')
        admin.delete('script-sets', 'python')


@pytest.mark.parametrize('pkg', ['t_demo==3.0', 't_source'])
def test_what_pip_cannot_install_is_told(node, admin, index, pkg):
    node.allow('pip: ')
    value = bad(install(admin, index, pkg), 'ESys', 500)
    assert value['detail']['package'] == pkg
    assert 'No matching distribution' in value['detail']['stderr']
    assert value['detail']['message']
    state = status(admin)
    assert (state['pkg'], state['status']) == (pkg, 'FAILURE') and state['message']


def test_one_is_installed_at_a_time(node, admin, index):
    node.allow('pip: ')
    first = threading.Thread(target=install, args=(admin, index, 't_slow'))
    first.start()
    try:
        wait_until(lambda: (status(admin) or {}).get('pkg') == 't_slow', 10)
        assert status(admin)['status'] == 'RUNNING'
        bad(install(admin, index, 't_demo'), 'EBizCondition', 403)
        assert status(admin)['pkg'] == 't_slow'
    finally:
        index[1].set()
        first.join()
    wait_until(lambda: status(admin)['status'] == 'FAILURE', 30)
    assert node.redis('EXISTS', 'dff:lock:python-install') == 0


@pytest.mark.parametrize('pkg', [
    '', '-r', '--help', '=', '==1', 'a=1', 'a b', 'a;b', 'a/b', './a', '../a', 'a==', 'a[', 'a[]',
    'a[b', 'a]', '$(id)', 'a\nb', 'git+https://x/y', 'https://x/y.whl', 'a @ b', 'ä', '.a', '_a',
    'a==1;b', 'a>1', 'x' * 257])
def test_names_that_are_none_are_refused(admin, pkg):
    value = bad(admin.post(INSTALL, {'pkg': pkg}), 'EClientBadRequest', 400)
    assert 'pkg' in value['message']


@pytest.mark.parametrize('body, field', [
    ({}, 'pkg'), ({'pkg': 1}, 'pkg'), ({'pkg': 'a', 'more': 1}, 'more'),
    ({'pkg': 'a', 'mirror': 'ftp://x'}, 'mirror'), ({'pkg': 'a', 'mirror': '/etc'}, 'mirror'),
    ({'pkg': 'a', 'mirror': 'http://'}, 'mirror'),
    ({'pkg': 'a', 'mirror': 'http://x --pre'}, 'mirror')])
def test_a_bad_body_names_the_field(admin, body, field):
    assert field in bad(admin.post(INSTALL, body), 'EClientBadRequest', 400)['message']


def test_who_may_see_and_install(node, admin):
    with roles.everyone(node) as people:
        for path in ('installed', 'install-status'):
            roles.check_roles(people, lambda api: api.get(f'/api/v1/python-packages/{path}'),
                              roles.READERS)
        roles.check_roles(people, lambda api: api.post(INSTALL, {'pkg': '-'}), roles.WRITERS)
