#!/usr/bin/env python3
"""Packets that no ordinary socket sends, for live tests. Prints {"event": "sent", "pid", "start_ticks", ...} and waits
for the end of its standard input, so that it can be looked at; with --exit it does not wait. Standard library only.
"""
import argparse
import os
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True  # nothing beside the sources
from workload_socket import emit, in_child, now_us, start_ticks, wait_children

IPPROTO_EXPERIMENT = 253  # RFC 3692
ETH_P_IP = 0x0800


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def done(**fields):
    emit(event="sent", pid=os.getpid(), start_ticks=start_ticks(os.getpid()), at_us=now_us(), **fields)


def echo_request(identifier, sequence):
    body = struct.pack("!BBHHH", 8, 0, 0, identifier, sequence) + b"x" * 56
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def ping_socket(options):
    """ICMP socket: the kernel chooses the id, it is the local port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    for n in range(options.count):
        sock.sendto(echo_request(0, n), (options.host, 0))
        sock.recv(100)
    done(id=sock.getsockname()[1])
    return sock


def raw_echo(options):
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    for n in range(options.count):
        sock.sendto(echo_request(options.port, n), (options.host, 0))
        sock.recv(200)
    done(id=options.port)
    return sock


def raw_protocol(options):
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, IPPROTO_EXPERIMENT)
    for _ in range(options.count):
        sock.sendto(b"x" * 100, (options.host, 0))
    done()
    return sock


def packet_socket(options):
    """UDP datagrams put onto the wire as frames: no socket of that tuple exists."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    src, dst = socket.inet_aton(options.source), socket.inet_aton(options.host)
    udp = struct.pack("!HHHH", 7777, options.port, 108, 0) + b"x" * 100
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, src, dst)
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    for _ in range(options.count):
        sock.sendto(ip + udp, (options.device, ETH_P_IP, 0, 0, bytes.fromhex(options.mac.replace(":", ""))))
    done()
    return sock


def refused(options):
    """TCP to a port where nobody listens: the kernel answers with RST."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind((options.host, 0))
    local = sock.getsockname()
    try:
        sock.connect((options.host, options.port))
        raise ConnectionError("somebody listens there")
    except ConnectionRefusedError:
        pass
    done(local=list(local))
    return sock


def unreachable(options):
    """UDP to such a port: the kernel answers with ICMP."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((options.host, 0))
    sock.sendto(b"x", (options.host, options.port))
    done(local=[options.host, sock.getsockname()[1]])
    return sock


def pair(options):
    """Two processes and one tuple: sender on port, receiver on port + 1, both on `host`."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind((options.host, options.port + 1))

    def send():
        receiver.close()
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((options.host, options.port))
        for _ in range(options.count):
            sender.sendto(b"x" * 100, (options.host, options.port + 1))
            time.sleep(0.002)
        done(role="sender")

    child = in_child(send)
    for _ in range(options.count):
        receiver.recv(200)
    wait_children([child])
    done(role="receiver")
    return receiver


def pass_on(over, sock):
    socket.send_fds(over, [b"x"], [sock.fileno()])


def passed_later(options):
    """One connection on which this process writes `count` octets, then a child that it is passed to as many."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((options.host, 0))
    listener.listen(1)
    ours, theirs = socket.socketpair()

    def serve():
        server, _ = listener.accept()
        time.sleep(options.delay)
        received = 0
        while data := server.recv(65536):
            received += len(data)
        done(role="server", octets=received)

    def talk_on():
        _, [descriptor], _, _ = socket.recv_fds(theirs, 1, 1)
        client = socket.socket(fileno=descriptor)
        client.sendall(b"x" * options.count)
        time.sleep(options.hold)
        client.shutdown(socket.SHUT_WR)
        client.recv(1)  # the server has read everything
        retransmitted = struct.unpack("Q", client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 216)[208:])[0]
        done(role="second", octets=options.count, retransmitted=retransmitted, local=list(client.getsockname()))

    server = in_child(serve)
    child = in_child(talk_on)
    client = socket.create_connection(listener.getsockname())
    listener.close()
    client.sendall(b"x" * options.count)
    time.sleep(options.hold)
    done(role="first", octets=options.count, local=list(client.getsockname()))
    pass_on(ours, client)
    client.close()
    wait_children([child, server])
    return ours


def lost_segment(options):
    """Asks a server on `port` while somebody drops a segment of it; says what the kernel counted, then resets."""
    client = socket.create_connection((options.host, options.port))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sendall(b"x" * 500)
    left = 500
    while left > 0:
        left -= len(client.recv(left))
    time.sleep(0.2)  # until the delayed acknowledgement is out
    info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    retransmitted = struct.unpack_from("I", info, 100)[0]  # tcpi_total_retrans
    segments_out, segments_in = struct.unpack_from("II", info, 136)  # linux/tcp.h
    local = list(client.getsockname())
    client.close()  # one more: RST
    done(local=local, segments=[segments_out + 1, segments_in], retransmitted=retransmitted)
    return client


def same_pid(options):
    """Children one after the other, all with the same pid: /proc/sys/kernel/ns_last_pid of a namespace of its own."""
    wanted = 20_000

    def send():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.sendto(b"x", (options.host, options.port))
        time.sleep(options.hold)
        done(role="sender", local=[options.host, sock.getsockname()[1]])

    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind((options.host, options.port))
    for _ in range(options.count):
        with open("/proc/sys/kernel/ns_last_pid", "w") as last:
            last.write(str(wanted - 1))
        pid = in_child(send)
        if pid != wanted:
            raise ProcessLookupError(f"the child is {pid}")
        wait_children([pid])
        time.sleep(0.03)  # start times are told in hundredths of a second
    done(role="receiver")
    return receiver


def time_wait(options):
    """A connection that its client closed first; then a segment of a peer that did not notice. Two runs of it:
    --exit leaves TIME_WAIT behind and prints both ports, --segment sends from the one to the other."""
    if options.segment:
        local, remote = options.segment
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        host = socket.inet_aton(options.host)
        tcp = struct.pack("!HHLLBBHHH", remote, local, 1, 1, 0x50, 0x11, 1000, 0, 0)  # FIN, ACK, long ago
        pseudo = host + host + struct.pack("!BBH", 0, 6, len(tcp))
        sock.sendto(tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:], (options.host, 0))
        done()
        return sock
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((options.host, 0))
    listener.listen(1)
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    ports = [client.getsockname()[1], listener.getsockname()[1]]
    client.close()
    server.recv(1)
    server.close()
    done(ports=ports)
    return listener


def multicast(options):
    """`count` processes join the group; the first one also sends. Prints all of them."""
    receivers = []
    ready, announce = os.pipe()

    def receive():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((options.host, options.port))
        membership = socket.inet_aton(options.host) + socket.inet_aton(options.source)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        os.write(announce, b"x")
        sock.recv(200)
        time.sleep(options.hold)

    receivers = [in_child(receive) for _ in range(options.count)]
    for _ in receivers:
        os.read(ready, 1)
    facts = [[pid, start_ticks(pid)] for pid in receivers]
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(options.source))
    sender.sendto(b"x" * 100, (options.host, options.port))
    wait_children(receivers)
    done(receivers=facts)
    return sender


MODES = {
    f.__name__.replace("_", "-"): f
    for f in (ping_socket, raw_echo, raw_protocol, packet_socket, refused, unreachable, pair)
    + (passed_later, lost_segment, same_pid, time_wait, multicast)
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("count", type=int, nargs="?", default=1)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4999)
    parser.add_argument("--source", default="127.0.0.1", help="address of the sender")
    parser.add_argument("--device", default="lo")
    parser.add_argument("--mac", default="00:00:00:00:00:00", help="packet-socket: of the next hop")
    parser.add_argument("--segment", type=int, nargs=2, help="time-wait: port of the client, of the server")
    parser.add_argument("--hold", type=float, default=0.5, help="multicast: seconds that receivers stay")
    parser.add_argument("--delay", type=float, default=0, help="passed-later: seconds before the server reads")
    parser.add_argument("--exit", action="store_true")
    options = parser.parse_args()
    sock = MODES[options.mode](options)
    if not options.exit:
        sys.stdin.read()
