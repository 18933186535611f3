#!/usr/bin/env python3
"""Sockets in the hands of processes that are not the ones who made them: a JSON line for each end, at its close.

    bpf_workload.py sockets REPEAT     waits for SIGUSR1 first, with a connection that is already open
    bpf_workload.py turns COUNT        two processes send in turns on one UDP socket
"""
import array
import json
import os
import signal
import socket
import sys

TCP, UDP = 6, 17
IPV6_DSTOPTS = 59


def text(address):
    return f"{address[0].removeprefix('::ffff:')}:{address[1]}"


def say(scenario, sock, pid=None, local=None, remote=None):
    protocol = TCP if sock.type == socket.SOCK_STREAM else UDP
    line = {"scenario": scenario, "protocol": protocol, "pid": pid or os.getpid()}
    line["local"] = local or text(sock.getsockname())
    line["remote"] = remote or text(sock.getpeername())
    print(json.dumps(line), flush=True)


def in_child(action):
    pid = os.fork()
    if pid == 0:
        try:
            action()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    return pid


def listener(family, host):
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.bind((host, 0))
    sock.listen(64)
    return sock


def connected(server, family=socket.AF_INET, host=None):
    client = socket.socket(family, socket.SOCK_STREAM)
    address = server.getsockname()
    client.connect((host or address[0], address[1]))
    return client, server.accept()[0]


def close(*sockets):
    for sock in sockets:
        sock.close()


def plain(scenario, family, host, client_family=None, target=None):
    server = listener(family, host)
    client, accepted = connected(server, client_family or family, target)
    client.send(b"x")
    accepted.recv(1)
    say(scenario + ", client", client)
    say(scenario + ", server", accepted)
    close(client, accepted, server)


def accepted_used_by_child():
    server = listener(socket.AF_INET, "127.0.0.1")
    client, accepted = connected(server)
    client.send(b"x")
    pid = in_child(lambda: (accepted.recv(1), accepted.send(b"y")))
    say("accepted, used by a child", accepted, pid)
    close(client, accepted, server)


def made_by_parent_used_by_child():
    server = listener(socket.AF_INET, "127.0.0.1")
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    def child():
        client.connect(server.getsockname())
        client.send(b"x")
        say("made by the parent, connected by a child", client)

    in_child(child)
    accepted = server.accept()[0]
    accepted.recv(1)
    close(client, accepted, server)


def passed_to_child():
    server = listener(socket.AF_INET, "127.0.0.1")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    client, accepted = connected(server)

    def child():
        client.close()
        _, data, _, _ = theirs.recvmsg(1, socket.CMSG_LEN(4))
        passed = socket.socket(fileno=array.array("i", data[0][2][:4])[0])
        passed.send(b"x")
        say("passed by SCM_RIGHTS, used by a child", passed)

    ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [client.fileno()]))])
    in_child(child)
    accepted.recv(1)
    close(client, accepted, server, ours, theirs)


def datagram(scenario, family, host, target=None, child=False, prepare=None):
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((host, 0))
    to = (target or host, server.getsockname()[1])
    reader, writer = os.pipe()

    def send():
        sock = socket.socket(socket.AF_INET6 if ":" in to[0] else socket.AF_INET, socket.SOCK_DGRAM)
        if prepare:
            prepare(sock)
        sock.sendto(b"x", to)
        local = f"{to[0].removeprefix('::ffff:')}:{sock.getsockname()[1]}"
        os.write(writer, local.encode())
        say(scenario + ", sender", sock, local=local, remote=text(to))
        sock.close()

    in_child(send) if child else send()
    remote = os.read(reader, 100).decode()
    server.recv(1)
    say(scenario + ", receiver", server, local=text(to), remote=remote)
    close(server)
    os.close(reader)
    os.close(writer)


def destination_options(sock):
    sock.setsockopt(socket.IPPROTO_IPV6, IPV6_DSTOPTS, bytes([0, 0, 1, 4, 0, 0, 0, 0]))


def every_kind(repeat):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    old = listener(socket.AF_INET, "127.0.0.1")
    old_client, old_accepted = connected(old)
    print(json.dumps({"ready": os.getpid()}), flush=True)
    signal.sigwait({signal.SIGUSR1})
    for _ in range(repeat):
        plain("TCP over IPv4", socket.AF_INET, "127.0.0.1")
        plain("TCP over IPv6", socket.AF_INET6, "::1")
        plain("TCP to a server of both", socket.AF_INET6, "::", socket.AF_INET, "127.0.0.1")
        plain("TCP from a mapped address", socket.AF_INET6, "::", socket.AF_INET6, "::ffff:127.0.0.1")
        accepted_used_by_child()
        made_by_parent_used_by_child()
        passed_to_child()
        datagram("UDP over IPv4", socket.AF_INET, "127.0.0.1")
        datagram("UDP over IPv6", socket.AF_INET6, "::1")
        datagram("UDP of a child", socket.AF_INET, "127.0.0.1", child=True)
        datagram("UDP from a mapped address", socket.AF_INET, "127.0.0.1", target="::ffff:127.0.0.1")
        datagram("UDP behind options", socket.AF_INET6, "::1", prepare=destination_options)
    old_client.send(b"x")
    old_accepted.recv(1)
    say("open before the start, client", old_client)
    say("open before the start, server", old_accepted)


def turns(count):
    shared = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    shared.connect(("127.0.0.1", 9))
    ours, theirs = socket.socketpair()

    def take_turns(turn):
        for _ in range(count):
            turn.recv(1)
            try:
                shared.send(b"x")
            except ConnectionRefusedError:
                shared.send(b"x")
            turn.send(b"x")

    pid = os.fork()
    if pid == 0:
        take_turns(theirs)
        os._exit(0)
    theirs.send(b"x")
    take_turns(ours)
    print(json.dumps({"pids": [os.getpid(), pid]}), flush=True)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


{"sockets": every_kind, "turns": turns}[sys.argv[1]](int(sys.argv[2]))
