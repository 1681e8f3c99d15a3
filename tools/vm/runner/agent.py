# SPDX-License-Identifier: GPL-2.0-only
"""Talk to the guest's agent (guest/agent.c): run commands, stream output."""

import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time
import tty

ESCAPE = b"\x1d"


class Died(Exception):
    """The guest is gone."""


class Timeout(Exception):
    """The guest took too long."""


class Agent:
    """The host's end of the agent's port."""

    def __init__(self, sock, control):
        self.sock = sock
        self.control = control
        self.buffer = b""
        self.frames = []
        self.resized = False

    def send(self, kind, data=b""):
        """Send one frame."""
        try:
            for at in range(0, max(len(data), 1), 1 << 19):
                part = data[at:at + (1 << 19)]
                self.sock.sendall(kind.encode() + struct.pack("<I", len(part)) + part)
        except OSError as error:
            raise Died("the guest is gone") from error

    def pump(self, con, deadline, extra=(), what="the guest"):
        """Wait until a frame is complete, or an extra descriptor is readable."""
        while True:
            if self.frames:
                return self.frames.pop(0)
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise Timeout(f"{what} did not finish in time")
            watch = [self.sock, *self.control.sockets(), *extra]
            if not con.closed:
                watch.append(con)
            try:
                ready = select.select(watch, [], [], left)[0]
            except InterruptedError:
                ready = []
            if self.resized:
                return None
            if con in ready:
                con.read()
            self.control.serve(ready)
            if self.sock in ready:
                try:
                    data = self.sock.recv(1 << 18)
                except OSError:
                    data = b""
                if not data:
                    raise Died("the guest ended by itself")
                self.feed(data)
                continue
            if any(item in ready for item in extra):
                return None

    def feed(self, data):
        """Cut received bytes into frames."""
        self.buffer += data
        while len(self.buffer) >= 5:
            size = struct.unpack_from("<I", self.buffer, 1)[0]
            if len(self.buffer) < 5 + size:
                break
            self.frames.append((chr(self.buffer[0]), self.buffer[5:5 + size]))
            self.buffer = self.buffer[5 + size:]

    def wait_ready(self, con, seconds):
        """Wait for the boot's end."""
        deadline = time.monotonic() + seconds
        while self.pump(con, deadline, what="the boot")[0] != "r":
            pass

    def output(self, argv, con, timeout):
        """Run a command and return what it printed."""
        text = b""
        self.send("x", b"".join(os.fsencode(a) + b"\0" for a in argv))
        self.send("e")
        deadline = time.monotonic() + timeout
        while True:
            kind, data = self.pump(con, deadline, what=argv[0])
            if kind == "t":
                return text.decode(errors="replace")
            if kind in "oE":
                text += data

    def window(self):
        """Tell the guest's terminal how big ours is."""
        try:
            rows, cols = struct.unpack("HHHH", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))[:2]
        except OSError:
            return
        self.send("w", struct.pack("<HH", rows, cols))

    def on_resize(self, _num, _frame):
        """SIGWINCH."""
        self.resized = True

    def run(self, argv, tty=False, stdin=False, timeout=0, console=None):
        """Run a command with its output on ours; return its exit status."""
        self.send("p" if tty else "x", b"".join(os.fsencode(a) + b"\0" for a in argv))
        saved = None
        if tty:
            saved = termios.tcgetattr(0)
            self.window()
            signal.signal(signal.SIGWINCH, self.on_resize)
        elif not stdin:
            self.send("e")
        try:
            if tty:
                raw_mode()
            return self.stream(console, tty or stdin, tty, timeout)
        finally:
            if saved:
                termios.tcsetattr(0, termios.TCSADRAIN, saved)

    def stream(self, con, reading, tty, timeout):
        """Carry output and input until the command ends."""
        deadline = time.monotonic() + timeout if timeout else None
        while True:
            frame = self.pump(con, deadline, [0] if reading else [], what="the command")
            if frame is None:
                if self.resized:
                    self.resized = False
                    self.window()
                    continue
                data = os.read(0, 65536)
                if tty and ESCAPE in data:
                    raise Died("unplugged")
                if not data:
                    self.send("e")
                    reading = False
                else:
                    self.send("i", data)
                continue
            kind, data = frame
            if kind == "o":
                write_out(1, data)
            elif kind == "E":
                write_out(2, data)
            elif kind == "t":
                return data[1] + (128 if data[0] else 0)

    def power_off(self):
        """Ask the guest to switch itself off."""
        try:
            self.send("q")
        except Died:
            pass


def raw_mode():
    """Hand every key to the guest."""
    tty.setraw(0)


def write_out(fd, data):
    """Write all of data; a closed pipe ends us like any other program."""
    sys.stdout.flush()
    while data:
        try:
            data = data[os.write(fd, data):]
        except BlockingIOError:
            select.select([], [fd], [])
        except BrokenPipeError:
            sys.exit(128 + signal.SIGPIPE)
