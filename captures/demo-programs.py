"""The programs of the demo, each named by its first argument: `python3 demo-programs.py backup ADDRESS PORT`.

They do real network traffic in the namespaces that make-demo.mjs makes, and nothing else. Servers print `ready`.
"""
import os
import socket
import sys
import time


def serve(listener, answer):
    """Answers every connection, one after the other, until it is killed."""
    while True:
        connection, _ = listener.accept()
        with connection:
            while question := connection.recv(65536):
                connection.sendall(answer(question))


def listen(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, port), family=family)
    print("ready", flush=True)
    return listener


def database(address, port):
    """One process that listens; it gives 400 octets for every question."""
    serve(listen(address, port), lambda question: b"r" * 400)


def workers(address, port):
    """A parent that listens and two children that accept: the classic prefork server."""
    listener = socket.create_server((address, port))
    for _ in range(2):
        if os.fork() == 0:
            serve(listener, lambda question: b"page" * 2000)
    print("ready", flush=True)
    while True:
        os.wait()


def sink(address, port):
    """Takes what it is given and says how much it was."""
    serve(listen(address, port), lambda data: b"%d" % len(data))


def nameserver(address, port):
    """Answers every datagram with 120 octets."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, port))
    print("ready", flush=True)
    while True:
        question, client = server.recvfrom(2048)
        server.sendto((question + b"\0" * 120)[:120], client)


def app(address, port):
    """Keeps one connection to the database and asks ten times."""
    with socket.create_connection((address, port)) as connection:
        for _ in range(10):
            connection.sendall(b"SELECT balance FROM account WHERE id = 7;")
            connection.recv(65536)
            time.sleep(0.2)


def resolver(address, port):
    """Asks three questions from one datagram socket, as a stub resolver does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for _ in range(3):
            client.sendto(b"q" * 40, (address, port))
            client.recv(2048)
            time.sleep(0.4)


def backup(address, port):
    """Opens a socket, forks, and lets the child send: both hold it, and from outside nobody can tell who writes."""
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.fork() != 0:
        os.wait()
        return
    connection.connect((address, port))
    for _ in range(8):
        connection.sendall(b"b" * 6000)
        connection.recv(64)
        time.sleep(0.2)
    os._exit(0)


def once(address, port):
    """A connection of some milliseconds: found only by whoever asks at its first packet."""
    with socket.create_connection((address, port)) as connection:
        connection.sendall(b"x" * 100)
        connection.recv(64)


PROGRAMS = (database, workers, sink, nameserver, app, resolver, backup, once)

if __name__ == "__main__":
    name, address, port = sys.argv[1:]
    with open("/proc/self/comm", "w", encoding="ascii") as comm:
        comm.write(name)  # as daemons do, so that a list of processes can be read
    {program.__name__: program for program in PROGRAMS}[name](address, int(port))
