"""Calls that are held: each has a connection and waits for its answer."""

import resource
import selectors
import socket
import time

from measure import memory_mib

REQUEST = ('POST /api/v1/al/auln-test-func HTTP/1.1\r\nHost: bench\r\n'
           'Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}')
BODY = '{"kwargs":{},"options":{"timeout":240,"apiTimeout":180}}'


def hold(dff, count):
    """`count` calls while there is no executor, then its start: all are answered."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count + 200)), hard))
    request = REQUEST.format(len(BODY), BODY).encode()
    nginx = dff.node.processes('nginx')

    dff.hold()
    memory = memory_mib(nginx)
    selector, begin = selectors.DefaultSelector(), time.monotonic()
    for _ in range(count):
        client = socket.create_connection(('127.0.0.1', dff.port), timeout=60)
        client.sendall(request)
        selector.register(client, selectors.EVENT_READ)
    while dff.waiting() < count:
        assert time.monotonic() < begin + 120, f'{dff.waiting()} of {count} calls are held'
        time.sleep(0.05)
    held_in = time.monotonic() - begin
    memory = (memory_mib(nginx) - memory) * 1024 / count

    dff.go_on()
    begin, good = time.monotonic(), 0
    while selector.get_map() and time.monotonic() < begin + 180:
        for key, _ in selector.select(1):
            text = key.fileobj.recv(65536)
            good += text.startswith(b'HTTP/1.1 200') and text.endswith(b'ok')
            selector.unregister(key.fileobj)
            key.fileobj.close()
    return {'count': count, 'held_in': held_in, 'kib': memory, 'good': good,
            'answered_in': time.monotonic() - begin}
