#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Print the packets of each queue of a netdev: qstats.py DEV rx|tx

One line per queue in order of their numbers, from the kernel's "netdev"
generic netlink family (QSTATS_GET with queue scope).
"""
import socket
import struct
import sys

NETLINK_GENERIC = 16
GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 16, 3
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 1, 2
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
QSTATS_GET, SCOPE_QUEUE = 12, 1
IFINDEX, QUEUE_TYPE, QUEUE_ID, SCOPE = 1, 2, 3, 4
PACKETS = {"rx": 8, "tx": 10}
TYPES = {"rx": 0, "tx": 1}


def attr(kind, data):
    """A netlink attribute."""
    return struct.pack("HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def attrs(data):
    """Attributes of a message as a dictionary."""
    found = {}
    while len(data) >= 4:
        size, kind = struct.unpack("HH", data[:4])
        found[kind & 0x3fff] = data[4:size]
        data = data[(size + 3) & ~3:]
    return found


def number(data):
    """An unsigned attribute of any size."""
    return int.from_bytes(data, sys.byteorder)


def request(sock, family, flags, cmd, payload):
    """Send a request; yield the attributes of the answers."""
    body = struct.pack("BBH", cmd, 1, 0) + payload
    sock.send(struct.pack("IHHII", 16 + len(body), family, NLM_F_REQUEST | flags, 1, 0) + body)
    while True:
        data = sock.recv(1 << 20)
        while data:
            size, kind = struct.unpack("IH", data[:6])
            if kind == NLMSG_DONE:
                return
            if kind == NLMSG_ERROR:
                code = struct.unpack("i", data[16:20])[0]
                sys.exit(f"qstats.py: netlink error {code}")
            yield attrs(data[20:size])
            data = data[(size + 3) & ~3:]
        if not flags & NLM_F_DUMP:
            return


def main():
    """Command line."""
    if len(sys.argv) != 3 or sys.argv[2] not in PACKETS:
        sys.exit(__doc__)
    dev, way = sys.argv[1:]
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC) as sock:
        family, = [number(a[CTRL_ATTR_FAMILY_ID]) for a in
                   request(sock, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY,
                           attr(CTRL_ATTR_FAMILY_NAME, b"netdev\0"))]
        queues = {}
        for answer in request(sock, family, NLM_F_DUMP, QSTATS_GET,
                              attr(IFINDEX, struct.pack("I", socket.if_nametoindex(dev))) +
                              attr(SCOPE, struct.pack("I", SCOPE_QUEUE))):
            if number(answer[QUEUE_TYPE]) == TYPES[way]:
                queues[number(answer[QUEUE_ID])] = number(answer.get(PACKETS[way], b"\0"))
    for queue in sorted(queues):
        print(queues[queue])


if __name__ == "__main__":
    main()
