"""Runs t/*.t: starts a private Redis, MariaDB and executor, publishes t/fixtures,
tells the tests through TEST_NGINX_* where they are, and calls prove.

    python3 t/prove.py [words for prove, such as t/call.t or -v]
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 't/system'))

from node import BUILD, Node, free_port    # noqa: E402


def environment(node):
    values = {
        'TEST_NGINX_DFF_CONFIG': node.config,
        'TEST_NGINX_DFF_MODULE': BUILD / 'modules/ngx_http_dff_module.so',
        'TEST_NGINX_DFF_CTL': node.install / 'bin/dffctl',
        'TEST_NGINX_REDIS_SOCKET': node.setting('REDIS_SOCKET'),
        'TEST_NGINX_REDIS_PASSWORD': node.setting('REDIS_PASSWORD'),
        'TEST_NGINX_RUN_PATH': node.install / 'run',
    }
    result = {**os.environ, **{key: str(value) for key, value in values.items()}}
    result.setdefault('TEST_NGINX_SERVER_PORT', str(free_port()))
    return result


def prove_command(words):
    command = ['prove']
    installed = subprocess.run(['perl', '-MTest::Nginx::Socket', '-e1'], capture_output=True)
    if installed.returncode != 0:
        command += ['-I', str(ROOT / 't/lib')]
    files = [word for word in words if not word.startswith('-')]
    if not files:
        words = words + sorted(str(path.relative_to(ROOT)) for path in (ROOT / 't').glob('*.t'))
    return command + words


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix='dff-p-', dir='/tmp'))
    folder.chmod(0o755)
    status, alarms, node = 1, [], None
    try:
        node = Node(folder / 'node')
        node.start('mysql', 'redis')
        node.ctl('db', 'migrate')
        node.start('executor')
        node.publish_fixtures()
        status = subprocess.run(prove_command(sys.argv[1:]), cwd=ROOT, env=environment(node),
                                timeout=1200).returncode
        if status != 0:
            print(node.tail(), file=sys.stderr)
    finally:
        if node:
            # Functions of the tests fail on purpose.
            node.allow('t__')
            alarms = node.destroy()
        if os.environ.get('DFF_TEST_KEEP') is None:
            shutil.rmtree(folder, ignore_errors=True)
    for alarm in alarms:
        print('unexpected in the logs:', alarm, file=sys.stderr)
    return 1 if alarms else status


if __name__ == '__main__':
    sys.exit(main())
