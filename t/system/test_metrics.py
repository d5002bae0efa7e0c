"""GET /metrics: the format, every metric and what moves it (docs/metrics.md)."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from node import ROOT, wait_until

NAME = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*\Z')
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|\Z)')


class Family:
    def __init__(self, name, text):
        self.name, self.help, self.type, self.samples = name, text, None, {}


def parse(text):
    """The metrics of a scrape by name. Stricter than Prometheus itself: HELP, TYPE and all
    samples of a metric stand together, in this order, and no sample comes twice."""
    assert text.endswith('\n') and '\r' not in text
    families, current = {}, None
    for line in text[:-1].split('\n'):
        if line.startswith('# HELP '):
            name, _, words = line[7:].partition(' ')
            assert NAME.match(name) and name not in families and words, line
            current = families[name] = Family(name, words)
        elif line.startswith('# TYPE '):
            name, kind = line[7:].split(' ')
            assert name == current.name and current.type is None and not current.samples, line
            assert kind in ('counter', 'gauge', 'histogram'), line
            current.type = kind
        else:
            name, labels, value = SAMPLE.match(line).groups()
            add_sample(current, name, labels, float(value), line)
    for family in families.values():
        assert family.type and family.samples, family.name
        check_family(family)
    return families


def add_sample(family, name, labels, value, line):
    suffix = name[len(family.name):]
    allowed = ('_bucket', '_sum', '_count') if family.type == 'histogram' else ('',)
    assert name.startswith(family.name) and suffix in allowed, line
    found, end = [], 0
    for match in LABEL.finditer(labels or ''):
        assert match.start() == end, line
        found.append((match[1], re.sub(r'\\(.)', lambda m: {'n': '\n'}.get(m[1], m[1]), match[2])))
        end = match.end()
    assert end == len(labels or ''), line
    key = (suffix, tuple(found))
    assert key not in family.samples and value >= 0, line
    family.samples[key] = value


def check_family(family):
    assert (family.type == 'counter') == family.name.endswith('_total'), family.name
    if family.type != 'histogram':
        return
    bounds = [(float(labels[0][1]), value) for (suffix, labels), value in family.samples.items()
              if suffix == '_bucket']
    assert bounds == sorted(bounds) and bounds[-1][0] == float('inf')
    assert [value for _, value in bounds] == sorted(value for _, value in bounds)
    assert bounds[-1][1] == family.samples['_count', ()]


def scrape(node):
    answer = node.get('/metrics')
    assert answer.status == 200 and answer.seconds < 1.5
    assert answer.headers['content-type'] == 'text/plain; version=0.0.4; charset=utf-8'
    return parse(answer.text)


def value(node, metric, suffix='', /, **labels):
    """One sample, or the sum of those that have these labels; None: there is none."""
    family = scrape(node).get(metric)
    found = [number for (end, pairs), number in (family.samples if family else {}).items()
             if end == suffix and labels.items() <= dict(pairs).items()]
    return sum(found) if found else None


def outcomes(node):
    return {dict(labels)['outcome']: number
            for (_, labels), number in scrape(node)['dff_calls_total'].samples.items()}


def rows():
    """docs/metrics.md: name -> (type, labels, text)."""
    found = {}
    for line in (ROOT / 'docs/metrics.md').read_text().splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if len(cells) == 5 and cells[0].startswith('`dff_'):
            found[cells[0].strip('`')] = (cells[1], re.findall(r'`(\w+)`', cells[2]), cells[4])
    return found


# --- the format -----------------------------------------------------------------------------


def test_promtool_has_nothing_to_say_about_a_scrape(node):
    promtool = shutil.which('promtool')
    if promtool is None:
        pytest.skip('promtool is not installed; the strict parser of this file reads every scrape')
    done = subprocess.run([promtool, 'check', 'metrics'], input=node.get('/metrics').text,
                          text=True, capture_output=True, timeout=30)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr


def test_the_document_lists_exactly_the_metrics_that_a_node_has(node):
    families, documented = scrape(node), rows()
    assert list(families) == list(documented)
    for name, family in families.items():
        labels = {tuple(label for label, _ in pairs)
                  for (suffix, pairs) in family.samples if suffix in ('', '_bucket')}
        assert labels == {tuple(documented[name][1])}, name
        assert (family.type, family.help) == (documented[name][0], documented[name][2]), name


def test_the_document_lists_exactly_the_outcomes_of_calls(node):
    text = (ROOT / 'docs/metrics.md').read_text().split('| outcome of a call |')[1].split('\n\n')[0]
    documented = [word for line in text.splitlines()[2:]
                  for word in re.findall(r'`(\w+)`', line.split('|')[1])]
    assert list(outcomes(node)) == documented


@pytest.mark.parametrize('method', ('POST', 'HEAD', 'DELETE'))
def test_other_methods_are_405(node, method):
    assert node.request(method, '/metrics').status == 405


# --- calls ----------------------------------------------------------------------------------


def leave_early(node):
    with socket.create_connection(('127.0.0.1', node.port)) as client:
        body = json.dumps({'kwargs': {'seconds': 1}}).encode()
        client.sendall(b'POST /api/v1/al/auln-nap HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n'
                       b'Content-Type: application/json\r\n\r\n%s' % (len(body), body))
        wait_until(lambda: value(node, 'dff_calls_pending') > 0, 5, 'a pending call')


def put_route(node, link, **changes):
    """A route like that of auln-ok, but for these fields."""
    route = json.loads(node.redis('GET', 'dff:route:al:auln-ok'))
    route.update({'id': link, **changes})
    kind = route['kind']
    node.redis('SET', f'dff:route:{kind}:{link}', json.dumps(route))
    node.redis('PUBLISH', 'dff:changed', f'route {kind} {link}')


def call_disabled(node):
    put_route(node, 'auln-m-disabled', isDisabled=True)
    assert node.call('auln-m-disabled').status == 403


def call_expired(node):
    put_route(node, 'auln-m-expired', expireTimeMs=1)
    assert node.call('auln-m-expired').status == 403


def call_batch(node):
    put_route(node, 'bat-m-ok', kind='bat')
    assert node.get('/api/v1/bat/bat-m-ok').json['taskId'].startswith('task-')


OUTCOMES = [
    ('ok', lambda node: node.call('auln-ok')),
    ('ok', call_batch),
    ('client_error', lambda node: node.call('auln-m-nobody')),
    ('client_error', lambda node: node.get('/api/v1/al/auln-ok/fancy')),
    ('client_error', lambda node: node.get('/api/v1/al/auln-ok', kwargs='{')),
    ('link_disabled', call_disabled),
    ('link_expired', call_expired),
    ('func_failed', lambda node: node.call('auln-boom')),
    ('func_timeout', lambda node: node.call('auln-oversleep')),
    ('api_timeout', lambda node: node.call('auln-late')),
    ('client_gone', leave_early),
]


@pytest.mark.parametrize('outcome, act', OUTCOMES)
def test_a_call_counts_once_under_its_outcome(node, outcome, act):
    node.allow('t__basic')
    before = outcomes(node)
    act(node)
    wait_until(lambda: outcomes(node) != before, 5, f'one more {outcome}')
    after = outcomes(node)
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} \
        == {outcome: 1}


@pytest.mark.parametrize('path', ('/api/v1/do/ping', '/metrics', '/api/v1/nothing',
                                  '/api/v1/func-result?taskId=task-none'))
def test_what_is_no_call_is_not_counted_as_one(node, path):
    before = outcomes(node)
    node.get(path)
    assert outcomes(node) == before


def test_a_full_queue_is_congested(make_node):
    node = make_node(_WORKER_QUEUE_LIMIT=1)
    node.start()
    node.publish_fixtures()
    node.stop('executor')
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: node.call('auln-ok', {'apiTimeout': 1}), range(3)))
        assert sorted(answer.json['error'] for answer in answers) == [599.1, 599.1, 599.5] \
            or [answer.json['error'] for answer in answers].count(599.5) == 2
    assert value(node, 'dff_calls_total', outcome='congested') >= 1
    assert value(node, 'dff_queue_length', queue='1') in (1, 2)
    assert value(node, 'dff_queue_length', queue='2') == 0
    # its heartbeat is gone with it, and so are its rows
    assert value(node, 'dff_workers') is None and value(node, 'dff_node_info') is None
    node.start('executor')
    wait_until(lambda: value(node, 'dff_node_info') == 1, 10, 'the heartbeat')


def test_the_histogram_counts_every_answer_in_its_bucket(node):
    def shape():
        return value(node, 'dff_call_duration_seconds', '_count'), {
            le: value(node, 'dff_call_duration_seconds', '_bucket', le=le)
            for le in ('0.001', '0.2', '10', '+Inf')}

    count, buckets = shape()
    total = value(node, 'dff_call_duration_seconds', '_sum')
    assert node.call('auln-nap', seconds=0.3).status == 200
    new_count, new_buckets = shape()
    assert new_count == count + 1
    assert {le: new_buckets[le] - buckets[le] for le in buckets} \
        == {'0.001': 0, '0.2': 0, '10': 1, '+Inf': 1}
    assert 0.25 < value(node, 'dff_call_duration_seconds', '_sum') - total < 3
    assert new_count == sum(number for name, number in outcomes(node).items()
                            if name != 'client_gone')


def test_a_pending_call_and_its_busy_worker_are_seen_while_they_last(node):
    wait_until(lambda: value(node, 'dff_calls_pending') == 0, 15, 'the end of other calls')
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(node.call, 'auln-nap', seconds=4)
        wait_until(lambda: value(node, 'dff_calls_pending') == 1, 5, 'one pending call')
        wait_until(lambda: value(node, 'dff_workers', group='1-6', state='busy') == 1, 4,
                   'a busy worker')
        assert value(node, 'dff_workers', group='1-6') == 2
        assert value(node, 'dff_workers', group='8-9', state='idle') == 2
        assert call.result().text == 'rested'
    assert value(node, 'dff_calls_pending') == 0


def test_jobs_and_restarts_come_from_the_heartbeat(node):
    node.allow('signal 9', 't__basic')
    names = ('dff_jobs_claimed_total', 'dff_jobs_started_total', 'dff_worker_restarts_total')
    before = {name: value(node, name) for name in names}
    failed = value(node, 'dff_jobs_total', outcome='failure')
    lost = value(node, 'dff_jobs_total', outcome='lost')
    node.call('auln-die')
    node.call('auln-boom')
    wait_until(lambda: value(node, 'dff_jobs_total', outcome='failure') == failed + 1
               and value(node, 'dff_jobs_total', outcome='lost') == lost + 1, 5, 'the heartbeat')
    wait_until(lambda: all(value(node, name) > before[name] for name in names), 5,
               'the heartbeat of the restart')
    assert value(node, 'dff_node_info', node=node.setting('_NODE_NAME')) == 1


def test_lookups_are_hits_misses_and_entries(node):
    hits, misses = (value(node, f'dff_route_cache_{what}_total') for what in ('hits', 'misses'))
    node.call('auln-m-never-seen-before')
    assert value(node, 'dff_route_cache_misses_total') == misses + 1
    node.call('auln-m-never-seen-before')
    assert value(node, 'dff_route_cache_hits_total') == hits + 1
    assert value(node, 'dff_route_cache_entries') >= 1
    assert value(node, 'dff_route_cache_evictions_total') == 0


# --- shared memory ---------------------------------------------------------------------------


def nginx_workers(node):
    return [pid for pid in node.processes('nginx') if pid != node.pid('nginx')]


def test_counts_survive_reloads_and_killed_workers(fresh_node):
    node = fresh_node
    node.publish_fixtures()
    for _ in range(20):
        assert node.call('auln-ok').text == 'ok'
    since = value(node, 'dff_start_time_seconds')
    workers = len(nginx_workers(node))

    for number in range(1, 4):
        old = nginx_workers(node)
        node.reload('nginx')
        wait_until(lambda: not set(old) & set(nginx_workers(node)), 10, 'the new workers')
        wait_until(lambda: value(node, 'dff_nginx_workers') == workers, 5, 'the old slots')
        assert outcomes(node)['ok'] == 20 + number - 1
        assert node.call('auln-ok').text == 'ok'

    # a worker that dies with a call leaves neither a pending call nor a link behind
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(node.call, 'auln-nap', seconds=3)
        wait_until(lambda: value(node, 'dff_calls_pending') == 1, 5, 'one pending call')
        node.allow('signal 9')
        for pid in nginx_workers(node):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(Exception):
            call.result()
    wait_until(lambda: value(node, 'dff_nginx_workers') == workers
               and value(node, 'dff_redis_up', link='commands') == 1, 5, 'the new workers')
    assert value(node, 'dff_calls_pending') == 0
    assert outcomes(node)['ok'] == 23
    assert value(node, 'dff_start_time_seconds') == since


# --- strangers' bytes ---------------------------------------------------------------------------

HEARTBEATS = {
    'no JSON': '{"node":',
    'no object': '[1]',
    'a name that is no text': '{"node":1}',
    'not UTF-8': b'{"node":"\xff"}'.decode('latin-1'),
    'too long': json.dumps({'node': 'm' * 70000}),
    'nothing in it': '{"node":"m-odd"}',
    'wrong types': '{"node":"m-odd","host":1,"groups":{"a":1},"counters":[1]}',
    'negative numbers': '{"node":"m-odd","groups":[{"queues":"0","workers":-1,"busy":5}],'
                        '"counters":{"claimed":-7}}',
    'more busy than there are': '{"node":"m-odd","groups":[{"queues":"0","workers":1,"busy":5}]}',
    'a number in words': '{"node":"m-odd","counters":{"claimed":"many"}}',
}


@pytest.mark.parametrize('what', HEARTBEATS)
def test_an_odd_heartbeat_does_not_spoil_the_scrape(node, what):
    node.redis('SET', 'dff:node:m-odd', HEARTBEATS[what], 'EX', 60)
    node.redis('SADD', 'dff:nodes', 'm-odd')
    try:
        families = scrape(node)
    finally:
        node.redis('SREM', 'dff:nodes', 'm-odd')
        node.redis('DEL', 'dff:node:m-odd')
    assert 'dff_queue_length' in families
    assert value(node, 'dff_node_info', node=node.setting('_NODE_NAME')) == 1


def test_label_values_are_escaped(node):
    odd = 'm "quoted" \\ back\nline \u00e9'
    node.redis('SET', 'dff:node:m-odd', json.dumps({'node': odd, 'host': '}', 'version': '"'}),
               'EX', 60)
    node.redis('SADD', 'dff:nodes', 'm-odd')
    try:
        families, text = scrape(node), node.get('/metrics').text
    finally:
        node.redis('SREM', 'dff:nodes', 'm-odd')
        node.redis('DEL', 'dff:node:m-odd')
    assert ('', (('node', odd), ('host', '}'), ('version', '"'))) in \
        families['dff_node_info'].samples
    assert '{node="m \\"quoted\\" \\\\ back\\nline \u00e9",host="}",version="\\""} 1\n' in text


def test_a_job_with_an_eta_is_seen_as_delayed(node):
    put_route(node, 'bat-m-later', kind='bat')
    before = value(node, 'dff_delayed_jobs')
    eta = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 600))
    answer = node.post('/api/v1/bat/bat-m-later', {'options': {'eta': eta}})
    assert answer.status == 200, answer
    assert value(node, 'dff_delayed_jobs') == before + 1
    node.redis('DEL', 'dff:delayed')


def test_a_queue_key_of_another_type_does_not_spoil_the_scrape(node):
    node.redis('SET', 'dff:queue:5', 'x')
    try:
        assert value(node, 'dff_queue_length', queue='5') == 0
    finally:
        node.redis('DEL', 'dff:queue:5')
