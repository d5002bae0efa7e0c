"""Runs the rounds and prints the table: see README.md."""

import argparse
import platform
import re
import shutil
import statistics
import subprocess
import tempfile

from peers import PROCESSES, Dff, Uwsgi, cpu_seconds, memory_mib

# name, function, connections, wrk's script for a POST (None: GET)
CASES = [
    ('trivial call, 1 connection', 'test_func', 1, None),
    ('trivial call, 32 connections', 'test_func', 32, None),
    ('two arguments by JSON POST, 32 connections', 'plus', 32, '{"kwargs":{"x":1,"y":2}}'),
]
UNITS = {'us': 1, 'ms': 1000, 's': 1_000_000}


def wrk(url, connections, seconds, body, folder):
    words = ['wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--latency', '--timeout', '10s']
    if body is not None:
        script = folder + '/post.lua'
        with open(script, 'w', encoding='utf-8') as out:
            out.write("wrk.method = 'POST'\n"
                      f"wrk.body = '{body}'\n"
                      "wrk.headers['Content-Type'] = 'application/json'\n")
        words += ['-s', script]
    text = subprocess.run(words + [url], check=True, capture_output=True, text=True).stdout
    assert 'Non-2xx' not in text and 'Socket errors' not in text, text

    def latency(percent):
        value, unit = re.search(rf'{percent}%\s+([\d.]+)(us|ms|s)\b', text).groups()
        return float(value) * UNITS[unit]

    return {
        'rate': float(re.search(r'Requests/sec:\s+([\d.]+)', text).group(1)),
        'calls': int(re.search(r'(\d+) requests in', text).group(1)),
        'p50': latency(50),
        'p99': latency(99),
    }


def measure(peer, case, seconds, folder):
    _, function, connections, body = case
    pids = peer.pids()
    before = cpu_seconds(pids)
    url = f'http://127.0.0.1:{peer.port}{peer.paths[function]}'
    result = wrk(url, connections, seconds, body, folder)
    result['cpu'] = (cpu_seconds(pids) - before) / result['calls'] * 1e6
    return result


def table(peers, results):
    lines = ['| case | side | calls/s | p50 µs | p99 µs | CPU µs/call | calls/s, ratio | p50, ratio |',
             '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |']
    for case in CASES:
        base = results[case[0], peers[-1].name]
        for peer in peers:
            rounds = results[case[0], peer.name]
            middle = {key: statistics.median(one[key] for one in rounds)
                      for key in ('rate', 'p50', 'p99', 'cpu')}
            ratios = [statistics.median(mine[key] / theirs[key]
                                        for mine, theirs in zip(rounds, base))
                      for key in ('rate', 'p50')]
            lines.append(f"| {case[0]} | {peer.name} | {middle['rate']:,.0f} | {middle['p50']:.0f} "
                         f"| {middle['p99']:.0f} | {middle['cpu']:.0f} | {ratios[0]:.2f} "
                         f"| {ratios[1]:.2f} |")
    return '\n'.join(lines)


def machine():
    with open('/proc/cpuinfo', encoding='utf-8') as info:
        models = [line.partition(':')[2].strip() for line in info if line.startswith('model name')]
    versions = [subprocess.run(words, capture_output=True, text=True, check=False)
                for words in (['nginx', '-v'], ['redis-server', '--version'], ['uwsgi', '--version'],
                              ['wrk', '--version'])]
    texts = [(done.stdout + done.stderr).strip().splitlines()[0] for done in versions]
    return (f'{len(models)} x {models[0] if models else platform.machine()}, '
            f'Linux {platform.release()}; ' + '; '.join(texts))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seconds', type=int, default=5, help='of one measurement')
    parser.add_argument('--rounds', type=int, default=5)
    options = parser.parse_args()

    folder = tempfile.mkdtemp(prefix='dff-b-', dir='/tmp')
    peers, started = [], []
    try:
        peers = [Dff(folder), Uwsgi(folder)]
        for peer in peers:
            started.append(peer)
            peer.start()
        results = {}
        for case in CASES:
            for peer in peers:      # warm up
                measure(peer, case, 1, folder)
            for number in range(options.rounds):
                # the sides take turns, and take turns in being first
                for peer in peers if number % 2 == 0 else reversed(peers):
                    results.setdefault((case[0], peer.name), []).append(
                        measure(peer, case, options.seconds, folder))
        print(f'{machine()}\n')
        print(f'One nginx worker and {PROCESSES} Python processes a side; medians of '
              f'{options.rounds} rounds of {options.seconds} s, the sides in turn; ratios are '
              f'medians of the rounds\' ratios to {peers[-1].name}.\n')
        print(table(peers, results))
        for peer in peers:
            print(f'\n{peer.name}: {memory_mib(peer.pids()):.0f} MiB after the load')
    finally:
        for peer in reversed(started):
            peer.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
