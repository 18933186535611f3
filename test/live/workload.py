#!/usr/bin/env python3
"""Known traffic for live tests: makes sockets and says, a JSON line for each, who owned them and what passed.

Truth comes from the socket itself: fstat (inode), SO_COOKIE, getsockname, getpeername. Standard library only.
Lines: {"event": "listening", ...} when clients may come, {"event": "socket", ...} at each close, {"event": "done"}.
"""
import argparse
import os
import selectors
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True  # nothing beside the sources
from workload_socket import End, emit, in_child, wait_children

stopping = False


def make_socket(options, kind):
    """--family mapped: an IPv6 socket that speaks IPv4 (::ffff:a.b.c.d)."""
    sock = socket.socket(socket.AF_INET if options.family == "4" else socket.AF_INET6, kind)
    if options.family != "4":
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if options.family == "mapped" else 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock


def peer_address(options):
    return ("::ffff:" + options.host if options.family == "mapped" else options.host, options.port)


def bind_address(options):
    """--wildcard: every address. A mapped listener has to be one: :: hears both families."""
    if options.wildcard or options.family == "mapped":
        return ("0.0.0.0" if options.family == "4" else "::", options.port)
    return (options.host, options.port)


def listen(options, kind):
    end = End(make_socket(options, kind), "listener" if kind == socket.SOCK_STREAM else "receiver")
    if options.mode == "reuseport":
        end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    end.sock.bind(bind_address(options))
    if kind == socket.SOCK_STREAM:
        end.sock.listen(128)
    return end


def announce(end, **more):
    emit(event="listening", port=end.sock.getsockname()[1], pid=os.getpid(), **more)


def connect(options):
    end = End(make_socket(options, socket.SOCK_STREAM), "client")
    end.sock.connect(peer_address(options))
    return end


def exchange(end, options):
    end.send(b"x" * options.size)
    end.receive_exactly(options.size)  # the server sends it back


def hold(ends, options):
    for end in ends:
        time.sleep(max(0, end.opened_us / 1e6 + options.hold - time.time()))
        end.close()


def tcp_clients(options):
    def one():
        end = connect(options)
        exchange(end, options)
        return end

    if options.fork:  # each connection in a process of its own
        wait_children([in_child(lambda: hold([one()], options)) for _ in range(options.count)])
    else:
        hold([one() for _ in range(options.count)], options)


def serve_tcp(listener, options):
    """Sends back what comes, for `count` connections (0: until SIGTERM)."""
    selector = selectors.DefaultSelector()
    selector.register(listener.sock, selectors.EVENT_READ)
    accepted = finished = 0
    children = []
    while not stopping and (options.count == 0 or finished < options.count):
        for key, _ in selector.select(0.05):
            if key.fileobj is listener.sock:
                end = End(listener.sock.accept()[0], "server")
                accepted += 1
                if options.fork:  # a worker for each connection, as inetd does
                    children.append(in_child(lambda: echo_until_end(end)))
                    end.sock.close()
                    finished += 1
                else:
                    selector.register(end.sock, selectors.EVENT_READ, end)
            elif not echo(key.data):
                selector.unregister(key.fileobj)
                key.data.close()
                finished += 1
    for key in list(selector.get_map().values()):
        if key.data is not None:
            key.data.close()
    wait_children(children)


def echo(end):
    data = end.receive(65536)
    if data:
        end.send(data)
    return bool(data)


def echo_until_end(end):
    while echo(end):
        pass
    end.close()


def tcp_server(options):
    listener = listen(options, socket.SOCK_STREAM)
    announce(listener)
    serve_tcp(listener, options)
    listener.close()


def forked_listener(options):
    """The parent binds and listens, a child accepts: naming the parent would be wrong."""
    listener = listen(options, socket.SOCK_STREAM)
    child = in_child(lambda: serve_tcp(listener, options))
    listener.shared_with = [child]
    announce(listener, accepts=child)
    wait_children([child])
    listener.close()


def forked_holder(options):
    """One connection in two processes; --actor says which of them talks."""
    end = connect(options)
    parent = os.getpid()

    def child():
        end.role = "actor" if options.actor == "child" else "holder"
        end.shared_with = [parent]
        if options.actor == "child":
            exchange(end, options)
        hold([end], options)

    pid = in_child(child)
    end.role = "actor" if options.actor == "parent" else "holder"
    end.shared_with = [pid]
    if options.actor == "parent":
        exchange(end, options)
    wait_children([pid])
    end.close()


def udp_datagrams(options):
    end = End(make_socket(options, socket.SOCK_DGRAM), "sender")
    to = peer_address(options)
    if not options.unconnected:
        end.sock.connect(to)
    for _ in range(options.count):
        end.send(b"x" * options.size, to if options.unconnected else None)
        if options.reply:
            end.receive(65536)
    hold([end], options)


def serve_udp(end, options):
    """Takes `count` datagrams (0: until SIGTERM); --reply sends each back."""
    end.sock.settimeout(0.05)
    while not stopping and (options.count == 0 or end.received_packets < options.count):
        try:
            data = end.receive(65536)
        except socket.timeout:
            continue
        if options.reply:
            end.send(data, end.peer)
    end.close()


def udp_server(options):
    end = listen(options, socket.SOCK_DGRAM)
    announce(end)
    serve_udp(end, options)


def reuseport(options):
    """Two processes, each with a UDP socket of its own on one port. Ends with SIGTERM."""
    first = listen(options, socket.SOCK_DGRAM)
    options.port = first.sock.getsockname()[1]

    def second():
        first.sock.close()
        end = listen(options, socket.SOCK_DGRAM)
        announce(end)
        serve_udp(end, options)

    child = in_child(second)
    announce(first, child=child)
    serve_udp(first, options)
    os.kill(child, signal.SIGTERM)
    wait_children([child])


MODES = {
    "tcp-clients": tcp_clients,
    "tcp-server": tcp_server,
    "forked-listener": forked_listener,
    "forked-holder": forked_holder,
    "udp-datagrams": udp_datagrams,
    "udp-server": udp_server,
    "reuseport": reuseport,
}


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("count", type=int, nargs="?", default=0, help="connections or datagrams; servers: 0 = until SIGTERM")
    parser.add_argument("--host", default=None, help="address to connect or bind to (default: loopback)")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--family", choices=["4", "6", "mapped"], default="4")
    parser.add_argument("--size", type=int, default=100, help="octets of payload each way, or a datagram")
    parser.add_argument("--hold", type=float, default=0.5, help="seconds that a connection stays open")
    parser.add_argument("--wildcard", action="store_true", help="servers: bind to every address")
    parser.add_argument("--fork", action="store_true", help="a process for each connection")
    parser.add_argument("--reply", action="store_true", help="udp: servers send back, senders wait for it")
    parser.add_argument("--unconnected", action="store_true", help="udp-datagrams: sendto instead of connect and send")
    parser.add_argument("--actor", choices=["parent", "child"], default="parent", help="forked-holder: who talks")
    options = parser.parse_args()
    if options.host is None:
        options.host = "::1" if options.family == "6" else "127.0.0.1"
    return options


def stop(_signal, _frame):
    global stopping
    stopping = True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    options = parse_options()
    MODES[options.mode](options)
    emit(event="done")
