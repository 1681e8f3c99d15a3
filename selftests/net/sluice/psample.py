#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Print what the kernel's psample tells, a line per sample.

usage: psample.py [-n N] [-t SECONDS]

Prints "listening" first. Then "group=G seq=S rate=R iif=NAME oif=NAME size=BYTES
proto=0xNNNN cookie=HEX data=HEX" for each sample, without what it does not have;
ends after N of them or after SECONDS without one (default: never). Bytes are
those psample shows, size is the length of the whole packet.
"""
import argparse
import socket
import struct
import sys

NETLINK_GENERIC = 16
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP = 270, 1
GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 0x10, 3
CTRL_FAMILY_ID, CTRL_FAMILY_NAME, CTRL_MCAST_GROUPS = 1, 2, 7
CTRL_MCAST_GRP_NAME, CTRL_MCAST_GRP_ID = 1, 2
NLM_F_REQUEST = 1
IIF, OIF, SIZE, GROUP, SEQ, RATE, DATA = range(7)
PROTO, COOKIE = 14, 15


def attributes(data):
    """The attributes of a message: {type: bytes}."""
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[kind & 0x3fff] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def number(data):
    return int.from_bytes(data, sys.byteorder)


def family(sock, name):
    """Id of a generic netlink family, and ids of its groups by name."""
    attr = name.encode() + b"\0"
    attr = struct.pack("=HH", 4 + len(attr), CTRL_FAMILY_NAME) + attr
    attr += b"\0" * (-len(attr) % 4)
    body = struct.pack("=BBH", CTRL_CMD_GETFAMILY, 1, 0) + attr
    sock.send(struct.pack("=IHHII", 16 + len(body), GENL_ID_CTRL, NLM_F_REQUEST, 1, 0)
              + body)
    answer = sock.recv(65536)
    if struct.unpack_from("=H", answer, 4)[0] != GENL_ID_CTRL:
        sys.exit(f"psample.py: the kernel has no generic netlink family {name}")
    answer = attributes(answer[20:])
    groups = {}
    for group in attributes(answer[CTRL_MCAST_GROUPS]).values():
        group = attributes(group)
        groups[group[CTRL_MCAST_GRP_NAME].rstrip(b"\0").decode()] = \
            number(group[CTRL_MCAST_GRP_ID])
    return number(answer[CTRL_FAMILY_ID]), groups


class Listener(socket.socket):
    """A socket that psample tells of samples."""

    def __init__(self):
        super().__init__(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        # FORCE: more than net.core.rmem_max.
        self.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)
        self.bind((0, 0))
        self.ident, groups = family(self, "psample")
        self.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, groups["packets"])

    def sample(self):
        """Attributes of the next sample, or None for a message of another kind."""
        data = self.recv(1 << 17)
        if struct.unpack_from("=H", data, 4)[0] != self.ident:
            return None
        attr = attributes(data[20:])
        return attr if SEQ in attr and RATE in attr else None


def show(attr):
    """A sample as a line."""
    words = [f"group={number(attr[GROUP])} seq={number(attr[SEQ])} rate={number(attr[RATE])}"]
    for name, kind in (("iif", IIF), ("oif", OIF)):
        if kind in attr:
            words.append(f"{name}={socket.if_indextoname(number(attr[kind]))}")
    words.append(f"size={number(attr[SIZE])} proto={number(attr[PROTO]):#06x}")
    for name, kind in (("cookie", COOKIE), ("data", DATA)):
        if kind in attr:
            words.append(f"{name}={attr[kind].hex()}")
    return " ".join(words)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("-n", type=int, default=0)
    parser.add_argument("-t", type=float)
    args = parser.parse_args()
    sock = Listener()
    print("listening", flush=True)
    sock.settimeout(args.t)
    count = 0
    try:
        while not args.n or count < args.n:
            attr = sock.sample()
            if attr:
                print(show(attr), flush=True)
                count += 1
    except socket.timeout:
        pass
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
