#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Talk over UDP or TCP at a steady pace, for tests of connection tracking.

usage: ct_talk.py serve ADDR PORT       echo both, until killed
       ct_talk.py udp ADDR PORT SECONDS [GAP [SPORT]]
       ct_talk.py tcp ADDR PORT SECONDS [GAP]

A client sends a message every GAP seconds (default 0.05) and waits for the echo.
It prints messages sent and echoes received, and fails if fewer than nine of ten
came back.
"""
import select
import socket
import sys
import time


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def serve(addr, port):
    udp = socket.socket(family(addr), socket.SOCK_DGRAM)
    tcp = socket.socket(family(addr), socket.SOCK_STREAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    udp.bind((addr, port))
    tcp.bind((addr, port))
    tcp.listen(64)
    socks = [udp, tcp]
    while True:
        for s in select.select(socks, [], [])[0]:
            if s is udp:
                data, peer = udp.recvfrom(65535)
                udp.sendto(data, peer)
            elif s is tcp:
                socks.append(tcp.accept()[0])
            else:
                data = s.recv(65535)
                if data:
                    s.sendall(data)
                else:
                    socks.remove(s)
                    s.close()


def talk(kind, addr, port, seconds, gap=0.05, sport=0):
    s = socket.socket(family(addr), socket.SOCK_DGRAM if kind == "udp"
                      else socket.SOCK_STREAM)
    s.settimeout(1)
    if sport:
        s.bind(("", int(sport)))
    s.connect((addr, port))
    sent = got = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        s.send(b"message %6d" % sent)
        sent += 1
        try:
            got += len(s.recv(100)) > 0
        except TimeoutError:
            pass
        time.sleep(gap)
    s.close()
    print(sent, got)
    return 0 if got * 10 >= sent * 9 else 1


def main():
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    return talk(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]),
                *(float(a) for a in sys.argv[5:]))


if __name__ == "__main__":
    sys.exit(main())
