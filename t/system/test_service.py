"""The service script of a node: start, stop, status, and what it refuses."""

import os
import signal
import socket
import stat
import subprocess

import pytest

from node import ROOT, free_port, process_alive, run, wait_until


def test_every_part_runs_as_its_user_and_worker_as_the_least(node):
    owner = {part: os.stat(f'/proc/{node.pid(part)}').st_uid
             for part in ('mysql', 'redis', 'executor', 'nginx')}
    assert owner['mysql'] == owner['redis'] != 0
    workers = node.python_workers()
    assert workers
    for pid in workers:
        with open(f'/proc/{pid}/status') as lines:
            groups = {line.split()[0]: line.split()[1:] for line in lines}
        assert set(groups['Uid:']).isdisjoint({'0', str(owner['redis'])})
        assert groups['CapEff:'] == ['0000000000000000']
        own = {groups['Gid:'][0]}
        assert set(groups['Groups:']) <= own


def test_the_configuration_and_the_sockets_are_closed_to_others(node):
    assert stat.S_IMODE(node.config.stat().st_mode) == 0o600
    for folder in ('mysql', 'redis', 'run/mysql', 'run/redis'):
        assert (node.install / folder).stat().st_mode & 0o007 == 0
    # Workers must go through run/ to their one socket: others see nothing in it.
    assert stat.S_IMODE((node.install / 'run').stat().st_mode) == 0o751
    for name in ('api.sock', 'services.sock', 'mysql/mysql.sock', 'redis/redis.sock'):
        connect = f'import socket; socket.socket(socket.AF_UNIX).connect("{node.install}/run/{name}")'
        done = subprocess.run(['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups',
                               'python3', '-c', connect], capture_output=True, text=True, timeout=20)
        assert 'PermissionError' in done.stderr, f'{name}: {done.stderr}'


def test_a_stop_right_after_a_start_leaves_no_process(make_node):
    made = make_node()
    made.service('start', 'mysql')
    made.service('start', 'redis')
    for _ in range(3):
        made.service('start', 'executor')
        pids = made.processes('executor')
        made.service('stop', 'executor')
        assert not [pid for pid in pids if process_alive(pid)], 'the zygote was loading Python'


def test_only_the_web_port_is_listened_on(node):
    inodes = set()
    for part in ('mysql', 'redis', 'executor', 'nginx'):
        for pid in node.processes(part):
            for entry in os.listdir(f'/proc/{pid}/fd'):
                try:
                    target = os.readlink(f'/proc/{pid}/fd/{entry}')
                except FileNotFoundError:
                    continue
                if target.startswith('socket:['):
                    inodes.add(target[8:-1])
    ports = set()
    for table in ('tcp', 'tcp6'):
        with open(f'/proc/net/{table}') as lines:
            for line in list(lines)[1:]:
                words = line.split()
                if words[3] == '0A' and words[9] in inodes:
                    ports.add(int(words[1].rpartition(':')[2], 16))
    assert ports == {node.port}


def test_start_of_a_running_node_changes_nothing(node):
    before = {part: node.pid(part) for part in ('mysql', 'redis', 'executor', 'nginx')}
    output = node.service('start').stdout
    assert output.count('runs already') == 4
    assert before == {part: node.pid(part) for part in before}


def test_status_is_3_when_a_part_is_down_and_start_brings_it_back(fresh_node):
    node = fresh_node
    assert node.service('status').stdout.count('running') == 3    # its MySQL is another's
    node.allow('[alert]', '503.53', 'Redis')
    node.kill('redis', signal.SIGKILL)
    done = node.service('status', check=False)
    assert done.returncode == 3 and 'redis: stopped' in done.stdout

    node.start('redis')
    assert node.service('status').returncode == 0


def test_stop_leaves_no_process(fresh_node):
    node = fresh_node
    pids = [pid for part in ('redis', 'executor', 'nginx') for pid in node.processes(part)]
    assert len(pids) > 5
    node.stop()
    wait_until(lambda: not any(map(process_alive, pids)), 2, 'the end of all processes')


@pytest.mark.parametrize('command', ['start', 'stop'])
def test_workers_of_an_nginx_whose_master_was_killed_give_way(fresh_node, command):
    node = fresh_node
    workers = [pid for pid in node.processes('nginx') if pid != node.pid('nginx')]
    node.kill('nginx')
    assert workers and all(map(process_alive, workers))
    assert 'its workers go on' in node.service('status', 'nginx', check=False).stdout
    done = node.service(command, 'nginx')
    assert 'went on without their master' in done.stdout
    wait_until(lambda: not any(map(process_alive, workers)), 5, 'their end')
    assert bool(node.pid('nginx')) == (command == 'start')


def test_a_number_that_was_given_to_another_process_is_not_taken_for_ours(make_node):
    node = make_node()
    (node.install / 'run/nginx.pid').write_text(f'{os.getpid()} 1\n')
    assert node.service('stop', 'nginx').returncode == 0
    assert process_alive(os.getpid())


def test_a_port_that_is_taken_is_named(make_node):
    node = make_node()
    with socket.socket() as other:
        other.bind(('127.0.0.1', node.port))
        other.listen()
        done = node.service('start', 'nginx', check=False)
    assert done.returncode == 1
    assert f'port {node.port} is in use by another program' in done.stdout


def test_a_changed_port_is_in_force_after_a_restart(fresh_node):
    node, port = fresh_node, free_port()
    node.set(WEB_PORT=port)
    node.restart('nginx')
    assert f'port {port} answers' in node.ctl('doctor', check=False).stdout


def test_nginx_starts_where_nothing_can_be_written_beside_its_configuration(fresh_node):
    """As with a full disk: what is in the way of listen.conf.new stands for it."""
    node = fresh_node
    beside = node.install / 'nginx/listen.conf.new'
    beside.mkdir()
    node.restart('nginx')
    assert 'answers' in node.ctl('doctor', check=False).stdout
    beside.rmdir()


def test_an_nginx_that_exists_needs_one_line_and_one_include(make_node):
    node = make_node()
    node.service('start', 'redis')
    node.ctl('db', 'migrate')
    node.service('start', 'executor')
    node.ctl('script', 'publish', '-', '--id', 't__own', stdin="@DFF.API('It')\ndef it():\n    return 1\n")
    node.ctl('link', 'add', 't__own.it', '--id', 'auln-it')
    folder = node.install / 'own'
    folder.mkdir()
    (folder / 'nginx.conf').write_text('\n'.join([
        f'load_module {node.install}/modules/ngx_http_dff_module.so;',
        'user dff-web dff;', 'daemon off;', f'pid {folder}/nginx.pid;', f'error_log {folder}/error.log;',
        'events { }', 'http {',
        *(f'{kind}_temp_path {folder}/{kind};'      # not the machine's, which it would make its own
          for kind in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')),
        f'include {node.install}/nginx/dff.conf; }}']))
    program = os.environ.get('NGINX_BINARY', 'nginx')
    nginx = subprocess.Popen([program, '-p', folder, '-c', folder / 'nginx.conf'])
    try:
        wait_until((folder / 'nginx.pid').exists, 10, 'the start of nginx')
        wait_until(lambda: node.get('/api/v1/do/ping').status == 200, 10, 'its connection to Redis')
        assert node.get('/api/v1/al/auln-it').json == 1
        assert node.get('/api/v1/func-result', taskId='none').json['reason'] == 'EClientNotFound'
        assert node.get('/api/v1/auth/profile/do/get').json['reason'] == 'EUserAuth'
        assert node.get('/metrics').status == 200
    finally:
        nginx.send_signal(signal.SIGQUIT)
        nginx.wait(timeout=20)


def test_setup_again_keeps_passwords_and_changes_what_is_named(make_node):
    node = make_node()
    before = {key: node.setting(key) for key in ('SECRET', 'REDIS_PASSWORD', 'MYSQL_PASSWORD')}
    run(['bash', ROOT / 'deploy/setup', '--install-dir', node.install, '--set', 'LOG_LEVEL=DEBUG'])
    assert node.setting('LOG_LEVEL') == 'DEBUG'
    assert before == {key: node.setting(key) for key in before}
    assert stat.S_IMODE(node.config.stat().st_mode) == 0o600


def test_an_existing_redis_is_taken_from_the_environment_and_no_bundled_one_is_made(test_folder):
    install = test_folder / 'external'
    run(['bash', ROOT / 'deploy/setup', '--install-dir', install, '--no-redis', '--no-mysql'], env={
        **os.environ, 'DFF_REDIS_HOST': '10.0.0.7', 'DFF_REDIS_PORT': '6380',
        'DFF_REDIS_PASSWORD': "it's", 'DFF_MYSQL_HOST': 'db'})
    config = (install / 'data/user-config.yaml').read_text()
    assert "REDIS_HOST: '10.0.0.7'\nREDIS_PORT: 6380\nREDIS_PASSWORD: 'it''s'\n" in config
    assert "MYSQL_HOST: 'db'\n" in config
    assert not (install / 'redis').exists() and not (install / 'mysql').exists()
