"""Sockets that are named in a way of their own. Prints a JSON line for each end: who it is, and on which port.

  multipath    one connection of IPPROTO_MPTCP between two processes, or the errno with which the kernel refuses it
  headers      a datagram in fragments and one with destination options, over IPv4 and IPv6, each from a process of its own
  datagram     one datagram between two sockets of this process
"""

import json
import os
import socket
import sys

MULTIPATH = 262


def say(**words):
    os.write(1, (json.dumps(words) + "\n").encode())  # in one piece: two processes write


def multipath():
    try:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, MULTIPATH)
    except OSError as error:
        return say(errno=error.errno)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    if os.fork() == 0:
        server, _ = listener.accept()
        while server.recv(65536):
            pass
        server.send(b"done")
        say(role="server", pid=os.getpid(), port=listener.getsockname()[1])
        os._exit(0)
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, MULTIPATH)
    client.connect(listener.getsockname())
    listener.close()
    client.send(b"x" * 1000)
    client.shutdown(socket.SHUT_WR)
    client.recv(10)
    say(role="client", pid=os.getpid(), port=client.getsockname()[1])
    os.wait()


def headers():
    # PadN of four octets: next header and length are filled in by the kernel
    options = [(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, bytes([0, 0, 1, 4, 0, 0, 0, 0]))]
    for family, here, size, set_up in (
        (socket.AF_INET, "127.0.0.1", 60000, []),
        (socket.AF_INET6, "::1", 60000, []),
        (socket.AF_INET6, "::1", 10, options),
    ):
        receiver = socket.socket(family, socket.SOCK_DGRAM)
        receiver.bind((here, 0))
        if os.fork() == 0:
            sender = socket.socket(family, socket.SOCK_DGRAM)
            for option in set_up:
                sender.setsockopt(*option)
            sender.connect(receiver.getsockname()[:2])
            sender.send(b"x" * size)
            say(role="client", pid=os.getpid(), port=sender.getsockname()[1])
            sys.stdin.read()
            os._exit(0)
        receiver.recv(65536)
    sys.stdin.read()  # who holds the pipe ends with the first process


def datagram():
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.sendto(b"hello", receiver.getsockname())
    receiver.recv(5)
    say(role="client", pid=os.getpid(), port=sender.getsockname()[1])
    sys.stdin.read()


{"multipath": multipath, "headers": headers, "datagram": datagram}[sys.argv[1]]()
