"""Runs everything and prints the tables: see README.md."""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import urllib.request

import beside
import held
import links
import queues
import tables
from cases import CASES, body
from measure import memory_mib, memory_under_load, wrk_with_cpu
from node import wait_until
from peer_dff import Dff
from peers import Celery, Gunicorn, Uwsgi


def say(text):
    print(text, file=sys.stderr, flush=True)


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=30).read() == b'ok'
    except OSError:
        return False


def machine():
    with open('/proc/cpuinfo', encoding='utf-8') as info:
        models = [line.partition(':')[2].strip() for line in info if line.startswith('model name')]
    with open('/proc/meminfo', encoding='utf-8') as info:
        memory = int(info.readline().split()[1]) / 1024 / 1024
    facts = [f'{len(models)} x {models[0] if models else platform.machine()}, '
             f'{memory:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}']
    for words in (['nginx', '-v'], ['redis-server', '--version'], ['uwsgi', '--version'],
                  ['gunicorn', '--version'], [sys.executable, '-m', 'celery', '--version']):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        facts.append(f"{words[-2] if words[-2] == 'celery' else words[0].split('/')[-1]} "
                     f"{(done.stdout + done.stderr).strip().splitlines()[0]}")
    return facts


def run_cases(sides, cases, options, folder):
    """results[case][side] = the rounds; the sides take turns, and in being first."""
    results = {}
    for case in cases:
        say(case.name)
        rounds = results[case.name] = {side.name: [] for side in sides}
        for number in range(-1, options.rounds):     # -1: warms up
            for side in sides if number % 2 == 0 else reversed(sides):
                seconds = options.seconds if number >= 0 else 1
                result = wrk_with_cpu(side, folder, side.url(case.function), case.connections,
                                      seconds, body(case))
                if number >= 0:
                    rounds[side.name].append(result)
    return results


def run(sides, options, folder):
    dff = sides[0]
    for side in sides:
        say(f'starting {side.name}')
        side.start()
        wait_until(lambda: answers(side.url('test_func')), 60, f'an answer of {side.name}')
    rest = {side.name: memory_mib(side.pids()) for side in sides}
    load = os.getloadavg()
    print('\n'.join(f'- {fact}' for fact in machine()))
    print(f'- load of the machine before: {load[0]:.1f}, {load[1]:.1f}, {load[2]:.1f} '
          '(others that work on it make every rate smaller, and the shares of time unfair)\n')

    cases = [case for case in CASES if options.only in case.name]
    results = run_cases(sides, cases, options, folder)
    print(tables.cases(cases, sides, results, options))
    loaded = {side.name: memory_under_load(side, folder, side.url('test_func')) for side in sides}
    print(tables.memory(sides, rest, loaded))

    if options.jobs:
        drains = {}
        for side in sides:
            if side.has_queue:
                say(f'async jobs: {side.name}')
                jobs = options.jobs if side is dff else options.jobs // 10
                drains[side.name] = queues.enqueue_and_drain(side, jobs, folder)
        print(tables.drains(drains, dff))
    if options.held:
        say('held calls')
        print(tables.held(held.hold(dff, options.held)))
    if options.links:
        say('links')
        print(tables.links(options.links, *links.compare(dff, options.links, options.seconds,
                                                         options.rounds, folder)))
    if options.beside:
        say('fast calls beside slow ones')
        print(tables.beside({side.name: beside.fast_beside_slow(side) for side in sides}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seconds', type=int, default=4, help='of one measurement')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--only', default='', help='cases with this in their name')
    parser.add_argument('--peers', default='uwsgi,gunicorn,celery')
    parser.add_argument('--beside', type=int, default=1, help='fast calls beside slow ones; 0: not')
    parser.add_argument('--jobs', type=int, default=100_000, help='async jobs; 0: none')
    parser.add_argument('--held', type=int, default=10_000, help='held calls; 0: none')
    parser.add_argument('--links', type=int, default=1_000_000, help='auth links; 0: none')
    options = parser.parse_args()

    folder = tempfile.mkdtemp(prefix='dff-bench-')
    os.chmod(folder, 0o755)
    known = {'uwsgi': Uwsgi, 'gunicorn': Gunicorn, 'celery': Celery}
    sides = []
    try:
        for kind in [Dff] + [known[name] for name in options.peers.split(',') if name]:
            sides.append(kind(folder))
        run(sides, options, folder)
    finally:
        for side in reversed(sides):
            side.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
