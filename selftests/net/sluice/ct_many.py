#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Send a packet of each of many connections.

usage: ct_many.py IF DSTMAC SRCMAC SRC DST PROTO N PORTS

Of N connections each of PORTS server ports (1000 and up) has as many, from
source ports 1 and up. UDP without a checksum; TCP's is not right.
"""
import socket
import struct
import sys
import time


def main():
    dev, dmac, smac, src, dst, proto = sys.argv[1:7]
    count, ports = int(sys.argv[7]), int(sys.argv[8])
    tcp = proto == "tcp"
    l4len = 20 if tcp else 8
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + l4len, 0, 0, 64,
                     6 if tcp else 17, 0, socket.inet_aton(src),
                     socket.inet_aton(dst))
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    head = (bytes.fromhex(dmac.replace(":", "") + smac.replace(":", "")) +
            b"\x08\x00" + ip[:10] + struct.pack("!H", ~total & 0xffff) + ip[12:])
    rest = struct.pack("!IIBBHHH", 0, 0, 5 << 4, 0x10, 8192, 0, 0) if tcp \
        else struct.pack("!HH", 8, 0)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((dev, 0))
    for port in range(ports):
        for i in range(count // ports):
            s.send(head + struct.pack("!HH", i + 1, port + 1000) + rest)
            # The slow path has only so many buffers.
            if i % 64 == 63:
                time.sleep(0.01)
    return 0


if __name__ == "__main__":
    sys.exit(main())
