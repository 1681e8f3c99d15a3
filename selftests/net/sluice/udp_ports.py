#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""usage: udp_ports.py ADDRESS PORTS ROUNDS [SECONDS [GAP]]

Send a datagram to each of PORTS UDP ports of ADDRESS from 10000 on (or to the
single port P, given as "P:"), ROUNDS times, SECONDS (0.2) after each round and
GAP seconds (0.002) after each datagram: it may be an upcall, whose queue is not
endless.
"""
import socket
import sys
import time

address, ports, rounds = sys.argv[1:4]
pause = float(sys.argv[4]) if len(sys.argv) > 4 else 0.2
gap = float(sys.argv[5]) if len(sys.argv) > 5 else 0.002
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if ports.endswith(":"):
    numbers = [int(ports[:-1])]
else:
    numbers = range(10000, 10000 + int(ports))
for _ in range(int(rounds)):
    for number in numbers:
        try:
            sock.sendto(b"x" * 32, (address, number))
        except ConnectionRefusedError:
            pass
        if len(numbers) > 1:
            time.sleep(gap)
    if pause:
        time.sleep(pause)
