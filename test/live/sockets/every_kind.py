#!/usr/bin/env python3
"""Holds a socket of every kind and state, and says which: {"event": "ready", "pid", "child", "sockets": {name: {...}}}.

Ends when standard input is closed. A forked child shares the TCP listener and the UDP socket. Argument: an interface
with a link-local address, for sockets that need a scope (optional).
"""
import json
import os
import signal
import socket
import sys

SO_COOKIE = 57  # asm-generic/socket.h
UDPLITE = 136
IFA_F_TENTATIVE = 0x40  # linux/if_addr.h: still looked for duplicates, cannot be bound to
ETH_P_LLDP, ETH_P_ARP = 0x88CC, 0x0806  # of which none come: queues that grow cannot be compared
ICMPV6_FILTER = 1  # linux/icmpv6.h; a bit that is set blocks a type

held = {}
skipped = {}


def hold(name, sock):
    held[name] = sock
    return sock


def listener(family, address, backlog, only6=None):
    sock = socket.socket(family, socket.SOCK_STREAM)
    if only6 is not None:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only6)
    sock.bind(address)
    sock.listen(backlog)
    return sock


def connected(to, family=socket.AF_INET):
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.connect(to)
    return sock


def tcp():
    server = hold("listen", listener(socket.AF_INET, ("127.0.0.1", 0), 7))
    here = server.getsockname()
    hold("established", connected(here))
    hold("accepted", server.accept()[0])
    held["established"].sendall(b"12345")  # stays in the receive queue of the other end

    closing = connected(here)
    hold("close-wait", server.accept()[0])
    closing.close()  # an orphan in FIN-WAIT-2

    first = connected(here)
    second = server.accept()[0]
    first.close()  # TIME-WAIT
    assert second.recv(1) == b""
    second.close()

    full = hold("listen-full", listener(socket.AF_INET, ("127.0.0.1", 0), 0))
    hold("waiting", connected(full.getsockname()))
    late = hold("syn-sent", socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    late.setblocking(False)
    late.connect_ex(full.getsockname())

    dual = hold("listen-dual", listener(socket.AF_INET6, ("::", 0), 3, 0))
    hold("mapped", connected(("127.0.0.1", dual.getsockname()[1])))
    hold("mapped-accepted", dual.accept()[0])
    hold("listen-only6", listener(socket.AF_INET6, ("::", 0), 4, 1))
    hold("established6", connected(("::1", dual.getsockname()[1]), socket.AF_INET6))
    hold("accepted6", dual.accept()[0])


def link_local(interface):
    scope = socket.if_nametoindex(interface)
    address = next(
        line.split()[0]
        for line in open("/proc/net/if_inet6")
        if line.startswith("fe80") and line.split()[5] == interface and not int(line.split()[4], 16) & IFA_F_TENTATIVE
    )
    address = ":".join(address[i : i + 4] for i in range(0, 32, 4))
    server = hold("listen-scoped", listener(socket.AF_INET6, (address, 0, 0, scope), 5))
    hold("scoped", connected((address, server.getsockname()[1], 0, scope), socket.AF_INET6))
    hold("scoped-accepted", server.accept()[0])


def datagrams():
    hold("udp", socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(("127.0.0.1", 0))
    hold("udp-connected", socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).connect(held["udp"].getsockname())
    held["udp-connected"].send(b"x" * 100)  # stays in the receive queue of the other end
    hold("udp-any6", socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)).bind(("::", 0))
    device = hold("udp-device", socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    device.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
    device.bind(("0.0.0.0", 0))
    optional("udplite", lambda: bound(socket.socket(socket.AF_INET, socket.SOCK_DGRAM, UDPLITE)))
    hold("raw", socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
    raw6 = hold("raw6", socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6))
    raw6.setsockopt(socket.IPPROTO_ICMPV6, ICMPV6_FILTER, b"\xff" * 32)
    optional("ping", lambda: bound(socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)))


def bound(sock):
    sock.bind(("127.0.0.1", 0))
    return sock


def optional(name, make):
    """Kernels are built without some protocols; ping sockets need net.ipv4.ping_group_range."""
    try:
        hold(name, make())
    except OSError as error:
        skipped[name] = str(error)


def others():
    packet = hold("packet", socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_LLDP)))
    packet.bind(("lo", ETH_P_LLDP))
    hold("packet-arp", socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ARP)))
    hold("netlink", socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)).bind((0, 1))  # NETLINK_ROUTE, RTMGRP_LINK
    hold("unix-abstract", socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)).bind(f"\0pcapid-{os.getpid()}")
    held["unix-abstract"].listen(3)
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    hold("unix-pair", a).send(b"123")
    hold("unix-peer", b)
    hold("unix-seqpacket", socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))


def facts(sock):
    cookie = sock.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8)
    return {
        "fd": sock.fileno(),
        "inode": os.fstat(sock.fileno()).st_ino,
        "cookie": int.from_bytes(cookie, sys.byteorder, signed=True),
    }


def share():
    """@returns pid of a child that holds two of the sockets until its parent ends"""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write_end)
        for name, sock in held.items():
            if name not in ("listen", "udp"):
                sock.close()
        os.read(read_end, 1)
        os._exit(0)
    os.close(read_end)
    return child, write_end


signal.alarm(120)  # whatever happens to the test
datagrams()
tcp()
if len(sys.argv) > 1:
    link_local(sys.argv[1])
others()
child, _keep = share()
sockets = {name: facts(sock) for name, sock in held.items()}
print(json.dumps({"event": "ready", "pid": os.getpid(), "child": child, "sockets": sockets, "skipped": skipped}), flush=True)
sys.stdin.read()
os.close(_keep)
os.waitpid(child, 0)
