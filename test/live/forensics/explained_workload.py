#!/usr/bin/env python3
"""Connections whose ends several processes had to do with; a line of JSON for each: who is right, and who is not."""
import json
import os
import socket

PORT = 9000
LOOPBACK = "127.0.0.1"


def tell(case, client_port, **pids):
    print(json.dumps({"case": case, "port": client_port, **pids}), flush=True)


def in_child(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def listen(port, *options):
    server = socket.socket()
    for option in (socket.SO_REUSEADDR, *options):
        server.setsockopt(socket.SOL_SOCKET, option, 1)
    server.bind((LOOPBACK, port))
    server.listen(16)
    return server


def talk(rounds, port=PORT, own_port=0):
    def work():
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind((LOOPBACK, own_port))
        client.connect((LOOPBACK, port))
        for _ in range(rounds):
            client.sendall(b"x" * 100)
            client.recv(100)

    return in_child(work)


def answer(connection, rounds):
    for _ in range(rounds):
        connection.recv(100)
        connection.sendall(b"y" * 100)


def forked(server):
    """A child answers on a connection that its parent accepted."""
    client = talk(3)
    connection, peer = server.accept()
    child = in_child(lambda: answer(connection, 3))
    connection.close()
    for pid in (client, child):
        os.waitpid(pid, 0)
    tell("forked", peer[1], client=client, named=child, parent=os.getpid())


def handed_over(server):
    """The parent answers twice, then its child once."""
    client = talk(3)
    connection, peer = server.accept()
    answer(connection, 2)
    child = in_child(lambda: answer(connection, 1))
    for pid in (client, child):
        os.waitpid(pid, 0)
    connection.close()
    tell("handed-over", peer[1], client=client, first=os.getpid(), second=child)


def reused(server):
    """Two processes have the same tuple, one after the other."""
    own_port, clients = 45555, []
    for _ in range(2):
        clients.append(talk(1, own_port=own_port))
        connection, _ = server.accept()
        answer(connection, 1)
        os.waitpid(clients[-1], 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # no TIME_WAIT at this end
        connection.close()
    tell("reused", own_port, first=clients[0], second=clients[1])


def shared_port():
    """Two processes listen on one port; the kernel gives a connection to either."""
    servers = [listen(PORT + 1, socket.SO_REUSEPORT) for _ in range(2)]

    def serve(own, other):
        other.close()
        while True:
            connection, _ = own.accept()
            connection.recv(100)
            connection.sendall(str(os.getpid()).encode())
            connection.close()

    children = [in_child(lambda: serve(*servers)), in_child(lambda: serve(*reversed(servers)))]
    for server in servers:
        server.close()
    client = socket.create_connection((LOOPBACK, PORT + 1))
    client.sendall(b"who?")
    named = int(client.recv(100))
    port = client.getsockname()[1]
    client.close()
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
    [other] = [child for child in children if child != named]
    tell("shared-port", port, named=named, other=other)


def main():
    server = listen(PORT)
    forked(server)
    handed_over(server)
    reused(server)
    shared_port()


main()
