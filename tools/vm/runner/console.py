# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's console: kept, shown on request, searched for complaints."""

import re
import select
import sys
import time

COMPLAINT = re.compile(
    r"WARNING: |BUG: |\bBUG at |KASAN: |UBSAN: |KCSAN: |Oops: |Oops\b.*#|Kernel panic|"
    r"general protection fault|Unable to handle kernel|"
    r"INFO: (possible|task .* blocked|trying to register|rcu)|suspicious RCU usage|"
    r"inconsistent lock state|rcu:.*(stall|detected)|possible deadlock|"
    r"(kmemleak: [0-9]+ new suspected)|ODEBUG: |refcount_t: |list_(add|del) corruption|"
    r"unregister_netdevice: waiting for|NETDEV WATCHDOG|ref_tracker: .*(leak|has)|"
    r"page_pool_release_retry\(\) stalled|scheduling while atomic|"
    r"workqueue lockup|DMA-API: .*(driver|leak)|Call Trace:|irq [0-9]+: nobody cared")
END = re.compile(r"---\[ end |</TASK>")
AFTER = 60


class Console:
    """Reads one serial line."""

    def __init__(self, sock, show, log):
        self.sock = sock
        self.show = show
        self.log = open(log, "w", encoding="utf-8") if log else None
        self.lines = []
        self.partial = b""
        self.splats = []  # pairs: the complaint, and the lines to show
        self.open_splat = None
        self.closed = False

    def fileno(self):
        """For select()."""
        return self.sock.fileno()

    def read(self):
        """Take what is there."""
        try:
            data = self.sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return
        self.partial += data
        *done, self.partial = self.partial.split(b"\n")
        for raw in done:
            self.line(raw.decode(errors="replace").rstrip("\r"))

    def line(self, text):
        """One line of the console."""
        self.lines.append(text)
        del self.lines[:-500]
        if self.log:
            self.log.write(text + "\n")
            self.log.flush()
        if self.show:
            sys.stderr.write(text + "\r\n")
        if self.open_splat is not None:
            self.open_splat.append(text)
            if END.search(text) or len(self.open_splat) > AFTER:
                self.open_splat = None
        elif COMPLAINT.search(text):
            self.open_splat = self.lines[-4:-1] + [text]
            self.splats.append((text, self.open_splat))

    def report(self, title, text):
        """A complaint that was found elsewhere."""
        self.splats.append((title, [title + ":"] + text.splitlines()[:200]))

    def settle(self, seconds):
        """Read on for as long as lines keep coming, up to a time."""
        end = time.monotonic() + seconds
        while not self.closed:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                break
            self.read()

    def print_splats(self):
        """Show the complaints."""
        for _, lines in self.splats[:5]:
            sys.stderr.write("\nrun: from the kernel's console:\n")
            for text in lines:
                sys.stderr.write("  " + text + "\n")
        if len(self.splats) > 5:
            sys.stderr.write(f"run: and {len(self.splats) - 5} more\n")

    def print_tail(self):
        """Show the last lines, when the guest died."""
        if self.lines and not self.splats:
            sys.stderr.write("run: last of the kernel's console:\n")
            for text in self.lines[-25:]:
                sys.stderr.write("  " + text + "\n")
