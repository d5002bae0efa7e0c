"""dffctl log tail and report; the log lines that docs/operations.md explains."""

import json
import os
import re
import subprocess

from node import ROOT, wait_until


def test_the_texts_that_operators_are_told_of_are_those_of_the_log():
    table = (ROOT / 'docs/operations.md').read_text().split('| text | it means | do |')[1]
    told = [text for line in table.split('\n\n')[0].splitlines()[2:]
            for text in re.findall('`([^`]+)`', line.split('|')[1])]
    assert len(told) > 15
    sources = [path.read_text() for folder in ('common', 'executor', 'ngx_dff_module')
               for path in (ROOT / folder).rglob('*.c')]
    said = [re.sub(r'"\s*\n\s*"', '', source) for source in sources]
    assert not [text for text in told if not any(text in source for source in said)]


def test_the_last_lines_of_the_log(node):
    path = node.install / 'data/logs/dataflux-func.log'
    with open(path, 'a') as log:
        log.writelines(f'2026-01-01T00:00:00.000+08:00 INFO test[1] - tail {i}\n'
                       for i in range(300))
    out = node.ctl('log', 'tail', '--lines', 5).stdout.splitlines()
    assert len(out) == 5
    out = node.ctl('log', 'tail', '--lines', 200).stdout.splitlines()
    assert len(out) == 200 and any(line.endswith('tail 299') for line in out)
    assert len(node.ctl('log', 'tail').stdout.splitlines()) == 100
    everything = node.ctl('log', 'tail', '--lines', 100000).stdout
    assert everything.startswith(path.read_text(errors='replace')[:100])
    for wrong in ('0', 'x', '-1', '100001'):
        done = node.ctl('log', 'tail', '--lines', wrong, check=False)
        assert done.returncode == 2 and '--lines' in done.stderr


def test_lines_come_out_as_they_are_however_long_the_log_is(make_node):
    node = make_node()
    lines = [f'{i} {"é" * (i % 97)}\n' for i in range(3000)]
    lines += ['x' * 200001 + '\n', 'é' * 100000 + '\n', '\x9b' * 100000 + '\n']
    (node.install / 'data/logs/dataflux-func.log').write_text(''.join(lines))
    assert node.ctl('log', 'tail', '--lines', 3003).stdout == (
        ''.join(lines[:-1]) + '?' * 100000 + '\n')
    assert node.ctl('log', 'tail', '--lines', 2).stdout == lines[-2] + '?' * 100000 + '\n'


def test_a_log_is_followed_into_its_next_file(make_node):
    node = make_node()
    path = node.install / 'data/logs/dataflux-func.log'
    path.write_text('first\n')
    follow = subprocess.Popen(
        [node.install / 'bin/dffctl', '--config', node.config, 'log', 'tail', '--follow'],
        stdout=subprocess.PIPE, text=True)
    try:
        os.set_blocking(follow.stdout.fileno(), False)
        seen = []

        def sees(text):
            try:
                seen.append(follow.stdout.read() or '')
            except (BlockingIOError, TypeError):
                pass
            return text in ''.join(seen)
        wait_until(lambda: sees('first\n'))
        with open(path, 'a') as log:
            log.write('second\x1b[31m\n')
        wait_until(lambda: sees('second?[31m\n'))
        path.rename(path.with_suffix('.1'))
        with open(path.with_suffix('.1'), 'a') as log:
            log.write('late\n')
        path.write_text('third\n')
        wait_until(lambda: sees('third\n'))
        assert ''.join(seen) == 'first\nsecond?[31m\nlate\nthird\n'
    finally:
        follow.terminate()
        follow.wait()


def test_a_report_for_support(node):
    report = json.loads(node.ctl('report', '--json').stdout)
    assert report['node'] == node.setting('_NODE_NAME') and report['version']
    assert report['mysql']['counts']['scripts'] >= 1 and report['mysql']['version']
    assert report['redis']['nodes'][report['node']]['alive'] is True
    assert report['redis']['queues'].keys() == set('0123456789')
    assert report['system']['processors'] >= 1 and report['disk']['freeMiB'] > 0
    text = node.ctl('report').stdout
    assert 'mysql.counts.users' in text and 'redis.queues.0' in text
    assert all(text.splitlines()), 'an empty line between two values'
    for secret in ('SECRET', 'MYSQL_PASSWORD', 'REDIS_PASSWORD', 'AUTO_SETUP_ADMIN_PASSWORD'):
        assert node.setting(secret) not in text
