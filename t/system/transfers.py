"""Files on their way through a node: forms that upload them, and callers that are slow to
take them."""

import contextlib
import json
import pathlib
import socket

BOUNDARY = '----test'


def resources(node):
    return pathlib.Path(node.setting('RESOURCE_ROOT_PATH'))


def uploads(node):
    return sorted((resources(node) / '.uploads').iterdir())


def part(parameters, content, *headers):
    lines = [f'--{BOUNDARY}', f'Content-Disposition: form-data; {parameters}', *headers, '', '']
    return '\r\n'.join(lines).encode() + content + b'\r\n'


def body_of(*parts):
    return b''.join(parts) + f'--{BOUNDARY}--\r\n'.encode()


def upload(node, link, *parts, path='/api/v1/al/', timeout=30):
    return node.request('POST', f'{path}{link}/simplified', body_of(*parts),
                        {'Content-Type': f'multipart/form-data; boundary={BOUNDARY}'}, timeout)


@contextlib.contextmanager
def slow_caller(node, link, **kwargs):
    """The socket of a caller with room for 4 KB: what it does not read has not been sent."""
    body = json.dumps({'kwargs': kwargs}).encode()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(('127.0.0.1', node.port))
        client.sendall(b'POST /api/v1/al/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
                       b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s'
                       % (link.encode(), len(body), body))
        yield client


def rest_of(client):
    """The pieces that are still to come to a slow caller, who is slow no more."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    while piece := client.recv(100_000):
        yield piece
