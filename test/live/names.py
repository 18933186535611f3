"""A name server on 127.0.0.53 that knows every name, and processes that ask it and connect.

names.py ADDRESS OTHER: each process prints a line of JSON, {"role", "pid", "port"}; OTHER is what the hostile name leads to.
"""
import json
import os
import socket
import struct
import sys

SERVER = ('127.0.0.53', 53)
ADDRESS, OTHER = sys.argv[1:3]
HOSTILE = b'\x1b[31m\xe2\x80\xaegnp.exe'


def labels(*parts):
    return b''.join(bytes([len(part)]) + part for part in parts) + b'\0'


def answer(query):
    address = OTHER if HOSTILE in query else ADDRESS
    record = b'\xc0\x0c' + struct.pack('>HHIH', 1, 1, 60, 4) + socket.inet_aton(address)
    return query[:2] + struct.pack('>HHHHH', 0x8180, 1, 1, 0, 0) + query[12:] + record


def ask(*parts):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.connect(SERVER)
        one.send(struct.pack('>HHHHHH', 1, 0x0100, 1, 0, 0, 0) + labels(*parts) + struct.pack('>HH', 1, 1))
        one.recv(512)
        return one.getsockname()[1]


def connect(address, first=b'hello'):
    with socket.create_connection((address, 9000)) as one:
        one.sendall(first)
        one.recv(16)
        return one.getsockname()[1]


def role(name, work):
    """Runs in a process of its own, to its end."""
    pid = os.fork()
    if pid == 0:
        print(json.dumps({'role': name, 'pid': os.getpid(), 'port': work()}), flush=True)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert status == 0, name


def serve(one, reply):
    if os.fork() == 0:
        reply(one)


def name_server(one):
    while True:
        query, peer = one.recvfrom(512)
        one.sendto(answer(query), peer)


def echo(one):
    while True:
        peer, _ = one.accept()
        peer.sendall(peer.recv(512)[:16])
        peer.close()


udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(SERVER)
tcp = socket.socket()
tcp.bind(('', 9000))
tcp.listen()
serve(udp, name_server)
serve(tcp, echo)


def asks_itself():
    ask(b'blog', b'example')
    return connect(ADDRESS)


def is_deceived():
    ask(HOSTILE, b'example')
    return connect(OTHER)


role('resolver', lambda: ask(b'shop', b'Example'))
role('app', lambda: connect(ADDRESS))
role('asker', asks_itself)
role('other', lambda: connect(ADDRESS))
role('browser', lambda: connect(ADDRESS, b'GET / HTTP/1.1\r\nHost: web.example\r\n\r\n'))
role('deceived', is_deceived)
print('done', flush=True)
os.killpg(0, 15)
