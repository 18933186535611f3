"""One long UDP flow (a datagram every 5 ms) and a new flow of one datagram every 50 ms, to a port of its own, until SIGTERM.

Says after each datagram, a line each: `long COUNT MICROSECONDS` or `new PORT MICROSECONDS` (CLOCK_REALTIME).
"""
import os
import signal
import socket
import time

stopping = False


def stop(_signal, _frame):
    global stopping
    stopping = True


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def udp():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


signal.signal(signal.SIGTERM, stop)
sink = udp()
sink.bind(("127.0.0.1", 0))
long = udp()
long.connect(sink.getsockname())
count = 0
while not stopping:
    long.send(b"x" * 100)
    count += 1
    say("long", count, time.time_ns() // 1000)
    if count % 10 == 0:
        with udp() as new:
            new.connect(sink.getsockname())
            new.send(b"y")
            say("new", new.getsockname()[1], time.time_ns() // 1000)
    time.sleep(0.005)
