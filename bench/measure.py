"""Load by wrk, and what it has cost: time and memory of a side's processes."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import time

UNITS = {'us': 1, 'ms': 1000, 's': 1_000_000, 'm': 60_000_000}


def wrk(folder, url, connections, seconds, body=None, script=''):
    """Calls/s, p50 and p99 in µs; body: of a JSON POST; script: more Lua."""
    lines = [script]
    if body is not None:
        path = pathlib.Path(folder) / 'body'
        path.write_text(body)
        lines += ["wrk.method = 'POST'", f"wrk.body = io.open('{path}'):read('*a')",
                  "wrk.headers['Content-Type'] = 'application/json'"]
    lua = pathlib.Path(folder) / 'wrk.lua'
    lua.write_text('\n'.join(lines))
    text = subprocess.run(
        ['wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--latency', '--timeout', '30s',
         '-s', lua, url], check=True, capture_output=True, text=True).stdout
    assert 'Non-2xx' not in text and 'Socket errors' not in text, text

    def latency(percent):
        value, unit = re.search(rf'{percent}%\s+([\d.]+)(us|ms|s|m)\b', text).groups()
        return float(value) * UNITS[unit]

    return {
        'rate': float(re.search(r'Requests/sec:\s+([\d.]+)', text).group(1)),
        'calls': int(re.search(r'(\d+) requests in', text).group(1)),
        'p50': latency(50),
        'p99': latency(99),
    }


def wrk_with_cpu(side, *words, **options):
    before = cpu_seconds(side.pids())
    result = wrk(*words, **options)
    assert result['calls'] > 0, f'{side.name} answered nothing'
    result['cpu'] = (cpu_seconds(side.pids()) - before) / result['calls'] * 1e6
    return result


def memory_under_load(side, folder, url):
    """MiB in the middle of some seconds of load, which are measured for nothing else."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        load = pool.submit(wrk, folder, url, 32, 4)
        time.sleep(2)
        mib = memory_mib(side.pids())
        load.result()
    return mib


def cpu_seconds(pids):
    """User and system time of these processes so far, and of their children that have
    ended: workers are replaced after some thousand calls on more than one side."""
    ticks = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf('SC_CLK_TCK')


def memory_mib(pids):
    """Memory of these processes, shared pages divided by their users."""
    total = 0
    for pid in pids:
        try:
            text = pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines()
                     if line.startswith('Pss:'))
    return total / 1024
