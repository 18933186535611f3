"""A socket with its facts and counts, and forked processes: what workload.py is made of."""
import ctypes
import json
import os
import signal
import socket
import sys
import time
import traceback

SO_COOKIE = 57  # asm-generic/socket.h
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def now_us():
    return time.time_ns() // 1000


def start_ticks(pid):
    """Field 22 of /proc/PID/stat; the name before it may hold spaces and parentheses."""
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return int(stat.read().rpartition(b")")[2].split()[19])


def emit(**fields):
    """One write a line, below PIPE_BUF: lines of several processes do not mix."""
    os.write(1, (json.dumps(fields) + "\n").encode())


class End:
    """One end of a socket with its counts. Facts are taken while it is open."""

    def __init__(self, sock, role):
        self.sock, self.role, self.opened_us = sock, role, now_us()
        self.sent_bytes = self.received_bytes = self.sent_packets = self.received_packets = 0
        self.shared_with = []
        self.peer = None

    def send(self, data, to=None):
        try:
            self.send_once(data, to)
        except ConnectionRefusedError:  # tells of the datagram before, and this one was not sent
            self.send_once(data, to)
        self.sent_bytes += len(data)
        self.sent_packets += 1

    def send_once(self, data, to):
        if to is None:
            self.sock.sendall(data)
        else:
            self.sock.sendto(data, to)

    def receive(self, size):
        data, peer = self.sock.recvfrom(size)
        self.peer = peer if peer else self.peer
        self.received_bytes += len(data)
        self.received_packets += 1 if data else 0
        return data

    def receive_exactly(self, size):
        while size > 0:
            data = self.receive(size)
            if not data:
                raise ConnectionError("the peer closed early")
            size -= len(data)

    def facts(self):
        """Before close: afterwards the kernel has no answer any more."""
        local = self.sock.getsockname()
        try:
            remote = list(self.sock.getpeername()[:2])
        except OSError:
            remote = None
        raw = self.sock.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8)
        facts = {
            "event": "socket",
            "role": self.role,
            "pid": os.getpid(),
            "start_ticks": start_ticks(os.getpid()),
            "inode": os.fstat(self.sock.fileno()).st_ino,
            "cookie": int.from_bytes(raw, sys.byteorder, signed=True),
            "protocol": "tcp" if self.sock.type == socket.SOCK_STREAM else "udp",
            "local": list(local[:2]),
            "remote": remote,
            "sent_bytes": self.sent_bytes,
            "received_bytes": self.received_bytes,
            "opened_us": self.opened_us,
            "shared_with": self.shared_with,
        }
        if facts["protocol"] == "udp":  # of TCP only the kernel knows the segments
            facts["sent_packets"] = self.sent_packets
            facts["received_packets"] = self.received_packets
        return facts

    def close(self):
        facts = self.facts()
        self.sock.close()
        emit(**facts, closed_us=now_us())


def in_child(work):
    """Forks; the child runs work() and ends. @returns its pid"""
    pid = os.fork()
    if pid == 0:
        code = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # no orphans when a test is killed
        try:
            work()
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def wait_children(pids):
    for pid in pids:
        _, status = os.waitpid(pid, 0)
        if status != 0:
            raise ChildProcessError(f"child {pid} ended with status {status}")
