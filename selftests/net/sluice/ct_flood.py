#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make many connections through a switch, without a socket for each.

usage: ct_flood.py CLIENT SERVER udp|tcp CONNECTIONS NAT_ADDRESS

CLIENT and SERVER are netdevs at two ports of a switch that tracks connections
and writes NAT_ADDRESS into the source of what the client sends. Frames are made
here for both ends: the server answers to whatever address and port it sees. Every
frame is checked for the translation, both ways. What is lost is sent again.

Commands come by standard input, a line each; every one is answered by a line
"NAME exchanges WANTED lost N wrong N seconds S":

  open      first packet and answer of each connection (a handshake for TCP)
  talk N    N times one packet and one answer of each connection
  close     FIN both ways (TCP)
  quit

An exchange is a packet of the client and an answer; "lost" are those sent again.
"wrong" are frames that came with other addresses, ports or content.
"""
import select
import socket
import struct
import sys
import time

ETH_P_IP = 0x0800
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_MR_PROMISC = 1
PROTO = {"tcp": 6, "udp": 17}
CLIENT_ADDR = bytes((10, 1, 0, 1))
# Each address of the server's has so many connections.
PER_SERVER = 50000
FIRST_PORT = 2000
SERVER_PORT = 7000
BURST = 64
TRIES = 50
FIN, SYN, ACK = 1, 2, 16
# Sequence numbers of both ends.
SEQ = (1000, 500000)


def words(data):
    """Sum of 16-bit words, for checksums."""
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def fold(value):
    """The checksum of a sum of words."""
    while value >> 16:
        value = (value & 0xffff) + (value >> 16)
    return ~value & 0xffff


class Port:
    """A raw socket at a netdev."""

    def __init__(self, dev):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.bind((dev, ETH_P_IP))
        index = socket.if_nametoindex(dev)
        self.sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                             struct.pack("IHH8s", index, PACKET_MR_PROMISC, 0, b""))
        self.sock.setblocking(False)

    def frames(self, seconds):
        """What has come, after waiting for the first for so long."""
        if select.select([self.sock], [], [], seconds)[0]:
            while True:
                try:
                    frame = self.sock.recv(2048)
                except BlockingIOError:
                    return
                yield frame


class Flood:
    """All connections."""

    def __init__(self, client, server, kind, count, nat):
        self.ports = (Port(client), Port(server))
        self.tcp = kind == "tcp"
        self.proto = PROTO[kind]
        self.count = count
        self.nat = socket.inet_aton(nat)
        # No host has these addresses, so nobody else answers.
        self.head = (self.start_of_frame(b"\2\0\0\0\1\1", b"\2\0\0\0\1\2"),
                     self.start_of_frame(b"\2\0\0\0\1\2", b"\2\0\0\0\1\1"))
        self.wrong = 0

    def start_of_frame(self, src_mac, dst_mac):
        """Ethernet header and the constant part of IPv4's."""
        length = 20 + (20 if self.tcp else 8 + 10)
        return dst_mac + src_mac + struct.pack("!HBBHHHBB", ETH_P_IP, 0x45, 0, length, 1, 0x4000,
                                               64, self.proto)

    def frame(self, end, addresses, ports, flags, data):
        """A frame of one end: addresses and ports as they are in it."""
        head = self.head[end]
        ip_sum = fold(words(head[14:]) + words(addresses))
        if self.tcp:
            mine, other = SEQ[end], SEQ[1 - end]
            body = struct.pack("!IIBBHHH", mine + (flags & SYN == 0),
                               other + 1 if flags & ACK else 0, 0x50, flags, 8192, 0, 0)
            total = words(addresses) + self.proto + 20 + words(ports) + words(body)
            body = body[:12] + struct.pack("!H", fold(total)) + body[14:]
        else:
            body = struct.pack("!HH10s", 18, 0, data)
            total = words(addresses) + self.proto + 18 + words(ports) + words(body)
            body = struct.pack("!HH10s", 18, fold(total) or 0xffff, data)
        return head + struct.pack("!H", ip_sum) + addresses + ports + body

    def server_of(self, i):
        """Address of the server a connection goes to."""
        return bytes((203, 0, 113, 1 + i // PER_SERVER))

    def forth(self, i, flags, data):
        """A frame of the client."""
        return self.frame(0, CLIENT_ADDR + self.server_of(i),
                          struct.pack("!HH", FIRST_PORT + i % PER_SERVER, SERVER_PORT),
                          flags, data)

    def number(self, server, port):
        """Which connection that is, or None."""
        i = (server[3] - 1) * PER_SERVER + port - FIRST_PORT
        return i if server[:3] == b"\xcb\0\x71" and 0 <= i < self.count else None

    def answer(self, frame, flags):
        """What the server says to a frame it got."""
        return self.frame(1, frame[30:34] + frame[26:30], frame[36:38] + frame[34:36],
                          flags, frame[42:52])

    def good(self, frame, flags, tag):
        """Is it one of this round's?"""
        if len(frame) < 42 or frame[23] != self.proto:
            return False
        if self.tcp:
            return frame[47] == flags
        return frame[42:46] == tag

    def burst(self, wanted, there, back, tag):
        """An exchange for each of these connections; which got no answer."""
        client, server = self.ports
        for i in wanted:
            client.sock.send(self.forth(i, there, tag + struct.pack("!IH", i, 0)))
        open_ones = set(wanted)
        heard = set()
        idle = 0
        while open_ones and idle < 4:
            idle += 1
            for frame in server.frames(0.02):
                if not self.good(frame, there, tag):
                    continue
                if not self.check(frame, self.nat, 26) or frame[36:38] != SERVER_PORT.to_bytes(2, "big"):
                    self.wrong += 1
                    continue
                key = frame[30:38]
                if key in heard:
                    continue
                heard.add(key)
                idle = 0
                server.sock.send(self.answer(frame, back))
            for frame in client.frames(0.02):
                if not self.good(frame, back, tag):
                    continue
                i = self.number(frame[26:30], struct.unpack("!H", frame[36:38])[0])
                if i is None or not self.check(frame, CLIENT_ADDR, 30):
                    self.wrong += 1
                    continue
                if i in open_ones:
                    open_ones.discard(i)
                    idle = 0
        return open_ones

    def check(self, frame, address, at):
        """Is the address there, and are the checksums right?"""
        if frame[at:at + 4] != address or fold(words(frame[14:34])):
            return False
        length = struct.unpack("!H", frame[16:18])[0] - 20
        return not fold(words(frame[26:34]) + self.proto + length +
                        words(frame[34:34 + length]))

    def exchange(self, there, back, tag):
        """An exchange for every connection; how many had to be sent again."""
        lost = 0
        for first in range(0, self.count, BURST):
            left = range(first, min(first + BURST, self.count))
            for _ in range(TRIES):
                left = self.burst(left, there, back, tag)
                if not left:
                    break
                lost += len(left)
            else:
                raise SystemExit(f"{len(left)} connections got no answer")
        return lost

    def run(self, command, times):
        """One command; exchanges and lost."""
        if command == "open":
            lost = self.exchange(SYN, SYN | ACK, b"open")
            if self.tcp:
                lost += self.exchange(ACK, ACK, b"open")
            return (2 if self.tcp else 1) * self.count, lost
        if command == "close":
            return self.count, self.exchange(FIN | ACK, FIN | ACK, b"fini")
        lost = 0
        for n in range(times):
            lost += self.exchange(ACK, ACK, b"t%03d" % n)
        return times * self.count, lost


def main():
    """Follow the commands."""
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    flood = Flood(*sys.argv[1:4], int(sys.argv[4]), sys.argv[5])
    for line in sys.stdin:
        command, *rest = line.split()
        if command == "quit":
            break
        start = time.monotonic()
        wanted, lost = flood.run(command, int(rest[0]) if rest else 1)
        print(f"{command} exchanges {wanted} lost {lost} wrong {flood.wrong} "
              f"seconds {time.monotonic() - start:.0f}", flush=True)
    return 1 if flood.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
