#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make many connections through a switch, without a socket for each.

usage: ct_flood.py CLIENT SERVER udp|tcp CONNECTIONS NAT_ADDRESS

CLIENT and SERVER are netdevs at two ports of a switch that tracks connections
and writes NAT_ADDRESS into the source of what the client sends; it has to leave
ports as they are, as no two connections would get the same. Frames are made here
for both ends, a window of connections at a time, and every frame has to come
with the very bytes that it should have, both ways. What is lost is sent again.

Commands come by standard input, a line each; every one is answered by a line
"NAME exchanges WANTED lost N wrong N seconds S":

  open      first packet and answer of each connection (a handshake for TCP)
  talk N    N times one packet and one answer of each connection
  close     FIN both ways (TCP)
  quit

An exchange is a packet of the client and an answer; "lost" are those sent again.
"wrong" are frames that came with other addresses, ports or content.
"""
import itertools
import select
import socket
import struct
import sys
import time

ETH_P_IP = 0x0800
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_MR_PROMISC = 1
SO_RCVBUFFORCE = 33
PROTO = {"tcp": 6, "udp": 17}
CLIENT_ADDR = bytes((10, 1, 0, 1))
# Each address of the server's has so many connections.
PER_SERVER = 50000
FIRST_PORT = 2000
SERVER_PORT = 7000
# Exchanges under way at a time; seconds of silence after which they are lost.
WINDOW = 128
SILENCE = 1
TRIES = 20
FIN, SYN, ACK = 1, 2, 16
# Sequence numbers of both ends.
SEQ = (1000, 500000)
# Where a frame is: on its way to the switch and behind it, of either end.
SENT, SEEN, ANSWERED, HEARD = range(4)


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
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        self.sock.bind((dev, ETH_P_IP))
        index = socket.if_nametoindex(dev)
        self.sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                             struct.pack("IHH8s", index, PACKET_MR_PROMISC, 0, b""))
        self.sock.setblocking(False)
        self.send = self.sock.send

    def frames(self, size):
        """What has come, without padding."""
        while True:
            try:
                yield self.sock.recv(2048)[:size]
            except BlockingIOError:
                return


class Flood:
    """All connections."""

    def __init__(self, client, server, kind, count, nat):
        self.client, self.server = Port(client), Port(server)
        self.poll = select.poll()
        self.poll.register(self.client.sock, select.POLLIN)
        self.poll.register(self.server.sock, select.POLLIN)
        self.tcp = kind == "tcp"
        self.proto = PROTO[kind]
        self.count = count
        self.nat = socket.inet_aton(nat)
        self.size = 14 + 20 + (20 if self.tcp else 8 + 10)
        self.wrong = 0

    def head(self, place, server):
        """Ethernet and IPv4 header of a frame there."""
        there = place in (SENT, SEEN)
        client = self.nat if place in (SEEN, ANSWERED) else CLIENT_ADDR
        server = bytes((203, 0, 113, 1 + server))
        # No host has these addresses, so nobody else answers.
        macs = b"\2\0\0\0\1\2" + b"\2\0\0\0\1\1"
        if not there:
            macs = macs[6:] + macs[:6]
        ip = struct.pack("!BBHHHBB", 0x45, 0, self.size - 14, 1, 0x4000, 64, self.proto)
        addresses = client + server if there else server + client
        ip_sum = struct.pack("!H", fold(words(ip) + words(addresses)))
        return macs + struct.pack("!H", ETH_P_IP) + ip + ip_sum + addresses

    def frames(self, place, flags, tag):
        """A function that makes the frame of a connection, as it is there.

        flags: of TCP; tag: four bytes of UDP's payload, before its number.
        """
        there = place in (SENT, SEEN)
        servers = (self.count - 1) // PER_SERVER + 1
        heads = [self.head(place, server) for server in range(servers)]
        if self.tcp:
            end = 0 if there else 1
            form = struct.Struct("!HHIIBBHHH").pack
            fixed = (SEQ[end] + (flags & SYN == 0), SEQ[1 - end] + 1 if flags & ACK else 0,
                     0x50, flags, 8192)
            rest = form(SERVER_PORT, 0, *fixed, 0, 0)
        else:
            form = struct.Struct("!HHHH4sIH").pack
            rest = form(SERVER_PORT, 0, 18, 0, tag, 0, 0)
        sums = [words(head[26:34]) + self.proto + len(rest) + words(rest) for head in heads]
        tcp = self.tcp

        def make(i):
            server, port = divmod(i, PER_SERVER)
            port += FIRST_PORT
            ports = (port, SERVER_PORT) if there else (SERVER_PORT, port)
            if tcp:
                return heads[server] + form(*ports, *fixed, fold(sums[server] + port), 0)
            csum = fold(sums[server] + port + (i >> 16) + (i & 0xffff)) or 0xffff
            return heads[server] + form(*ports, 18, csum, tag, i, 0)
        return make

    def check(self, frame, make, place, flags, tag):
        """A frame that is not waited for: had it come already, is it of another round?"""
        there = place == SEEN
        if len(frame) < self.size or frame[23] != self.proto:
            return
        if frame[47] != flags if self.tcp else frame[42:46] != tag:
            return
        server, port = (frame[30:34], frame[34:36]) if there else (frame[26:30], frame[36:38])
        i = (server[3] - 1) * PER_SERVER + int.from_bytes(port, "big") - FIRST_PORT
        if 0 <= i < self.count and frame == make(i):
            return
        self.wrong += 1
        if self.wrong <= 3:
            print(f"wrong, {'server' if there else 'client'}: {frame.hex()}", file=sys.stderr)

    def exchange(self, there, back, tag):
        """An exchange for every connection; how many had to be sent again."""
        sent, seen = self.frames(SENT, there, tag), self.frames(SEEN, there, tag)
        answer, heard = self.frames(ANSWERED, back, tag), self.frames(HEARD, back, tag)
        at_server, at_client = {}, {}       # what has to come there
        left = iter(range(self.count))
        lost = tries = 0

        def start(some):
            for i in some:
                at_server[seen(i)] = at_client[heard(i)] = i
                self.client.send(sent(i))

        start(itertools.islice(left, WINDOW))
        while at_client:
            ready = self.poll.poll(SILENCE * 1000)
            if not ready:
                tries += 1
                if tries > TRIES:
                    raise SystemExit(f"{len(at_client)} connections get no answer")
                lost += len(at_client)
                start(list(at_client.values()))
                continue
            for frame in self.server.frames(self.size):
                i = at_server.pop(frame, None)
                if i is None:
                    self.check(frame, seen, SEEN, there, tag)
                else:
                    self.server.send(answer(i))
            done = 0
            for frame in self.client.frames(self.size):
                if at_client.pop(frame, None) is None:
                    self.check(frame, heard, HEARD, back, tag)
                else:
                    done += 1
            if done:
                tries = 0
                start(itertools.islice(left, done))
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
