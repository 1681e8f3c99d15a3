#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Send long TCP and UDP frames that somebody has to segment.

usage: gso.py send DEV DST SRC       send a frame of each kind
       gso.py count                  print how many that are, and their segments
       gso.py datagrams ADDR PORT    send 20 datagrams in one long frame
       gso.py receive ADDR PORT      print the sizes of datagrams, until none comes
                                     for a second
       gso.py flat PCAP              print the frames of a capture, sorted, as hex

The frames go through a packet socket with a virtio_net_hdr, so that the same
ones can be segmented by the NIC and by software. Each has a port of its own.
"""
import socket
import struct
import sys
import time

SOL_PACKET, PACKET_VNET_HDR, UDP_SEGMENT = 263, 15, 103
NEEDS_CSUM = 1
GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, GSO_ECN = 1, 4, 5, 0x80
TCP, UDP = 6, 17
MSS = 1300

# (protocol, IP version, tags, TCP options, TCP flags, payload)
KINDS = [(proto, v6, tags, opts, flags, size)
         for proto, opts, flags in ((TCP, 0, 0x10), (TCP, 12, 0x99), (UDP, 0, 0))
         for v6 in (False, True)
         for tags in (0, 1, 2)
         for size in (MSS + 1, 20 * MSS)]


def fold(data, start=0):
    """Internet sum, not inverted."""
    if len(data) & 1:
        data += b"\0"
    total = start + sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def build(number, kind, dst, src):
    """A frame, and the header that asks for its segmentation."""
    proto, v6, tags, opts, flags, size = kind
    payload = bytes((number + i * 7 + (i >> 8)) & 0xff for i in range(size))
    hlen = 8 if proto == UDP else 20 + opts
    length = hlen + size
    if v6:
        addrs = socket.inet_pton(socket.AF_INET6, "2001:db8::1") + \
            socket.inet_pton(socket.AF_INET6, "2001:db8::2")
        l3 = struct.pack("!IHBB", 0x60012345, length, proto, 64) + addrs
    else:
        addrs = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2")
        # An id that is about to wrap.
        l3 = struct.pack("!BBHHHBBH", 0x45, 2, 20 + length, 0xfff8, 0x4000, 64, proto, 0) + addrs
        l3 = l3[:10] + struct.pack("!H", 0xffff ^ fold(l3)) + l3[12:]
    seed = fold(addrs, length + proto)
    if proto == UDP:
        l4 = struct.pack("!HHHH", 2000 + number, 9, length, seed)
    else:
        l4 = struct.pack("!HHIIBBHHH", 2000 + number, 9, 0xfffffe00, 77, (hlen // 4) << 4, flags,
                         512, seed, 0) + b"\x01" * opts
    eth = dst + src
    for tag in range(tags):
        eth += struct.pack("!HH", 0x88a8 if tag + 1 < tags else 0x8100, 0x4000 + 5 + tag)
    eth += struct.pack("!H", 0x86dd if v6 else 0x0800)
    start = len(eth) + len(l3)
    gso = GSO_UDP_L4 if proto == UDP else GSO_TCPV6 if v6 else GSO_TCPV4
    if flags & 0x80:
        gso |= GSO_ECN
    vnet = struct.pack("=BBHHHH", NEEDS_CSUM, gso, start + hlen, MSS, start,
                       6 if proto == UDP else 16)
    return vnet + eth + l3 + l4 + payload


def send(dev, dst, src):
    """One frame of each kind."""
    def mac(text):
        return bytes.fromhex(text.replace(":", ""))

    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    sock.bind((dev, 0))
    for number, kind in enumerate(KINDS):
        sock.send(build(number, kind, mac(dst), mac(src)))
        time.sleep(0.005)


def datagrams(addr, port):
    """Let the stack or the NIC cut them."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, MSS)
    sock.sendto(bytes(20 * MSS - 100), (addr, int(port)))


def receive(addr, port):
    """One line with the sizes, in the order they came."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((addr, int(port)))
    sizes = []
    try:
        sock.settimeout(20)
        while True:
            sizes.append(len(sock.recv(65536)))
            sock.settimeout(1)
    except TimeoutError:
        print(*sizes)


def flat(path):
    """Frames of a capture as lines, in an order that does not depend on time."""
    with open(path, "rb") as pcap:
        data = pcap.read()
    at, frames = 24, []
    while at + 16 <= len(data):
        size, = struct.unpack_from("=I", data, at + 8)
        frames.append(data[at + 16:at + 16 + size].hex())
        at += 16 + size
    print("\n".join(sorted(frames)))


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(*sys.argv[2:5])
    elif sys.argv[1] == "datagrams":
        datagrams(*sys.argv[2:4])
    elif sys.argv[1] == "receive":
        receive(*sys.argv[2:4])
    elif sys.argv[1] == "count":
        print(len(KINDS), sum(-(-kind[5] // MSS) for kind in KINDS))
    else:
        flat(sys.argv[2])
