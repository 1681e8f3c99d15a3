# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's monitor, and the guest's requests for it (guest/bin/vmctl)."""

import json


class Control:
    """Serves vmctl; holds the monitor."""

    def __init__(self, vm, con):
        self.vm = vm
        self.con = con
        self.monitor = vm.monitor
        self.host = vm.host
        self.request = b""
        self.received = b""
        self.greeted = False

    def sockets(self):
        """What to wait for."""
        return [s for s in (self.host, self.monitor) if s]

    def serve(self, ready):
        """Handle what has arrived."""
        if self.monitor in ready:
            data = self.read(self.monitor)
            if data is None:
                self.monitor = None
            else:
                self.received += data
                # Greeting and events nobody waits for.
                self.received = self.received[self.received.rfind(b"\n") + 1:]
        if self.host in ready:
            data = self.read(self.host)
            if data is None:
                self.host = None
                return
            self.request += data
            while b"\n" in self.request:
                line, _, self.request = self.request.partition(b"\n")
                try:
                    answer = self.handle(json.loads(line))
                except (ValueError, IndexError, TypeError, OSError) as error:
                    answer = f"error {error}"
                self.host.sendall(answer.replace("\n", " ").encode() + b"\n")

    @staticmethod
    def read(sock):
        """Bytes, or None at the end."""
        try:
            return sock.recv(65536) or None
        except OSError:
            return None

    def execute(self, name, /, **arguments):
        """One monitor command; its result. Raises ValueError with its error."""
        if not self.monitor:
            raise ValueError("the monitor is gone")
        if not self.greeted:
            self.greeted = True
            self.execute("qmp_capabilities")
        command = {"execute": name, "id": name}
        if arguments:
            command["arguments"] = arguments
        self.monitor.sendall(json.dumps(command).encode() + b"\n")
        while True:
            while b"\n" not in self.received:
                data = self.read(self.monitor)
                if data is None:
                    raise ValueError("the monitor is gone")
                self.received += data
            line, _, self.received = self.received.partition(b"\n")
            answer = json.loads(line)
            if answer.get("id") != name:
                continue
            if "error" in answer:
                raise ValueError(answer["error"]["desc"])
            return answer["return"]

    def handle(self, words):
        """Do what vmctl asks for; "ok [RESULT]" or "error WHY"."""
        verb, *args = words
        action = {
            "device_del": self.device_del, "device_add": self.device_add,
            "set_link": self.set_link, "qom-get": self.qom_get, "qom-set": self.qom_set,
            "query": self.query, "reset": self.reset,
        }.get(verb)
        if not action:
            return f"error unknown request '{verb}'"
        result = action(*args)
        return "ok" if result is None else f"ok {result}"

    def device_del(self, name):
        """Ask the guest to let go of a device."""
        self.execute("device_del", id=name)

    def device_add(self, text):
        """Plug a device in; a NIC of this machine by its name alone."""
        text = self.vm.nics.get(text, text)
        error = self.execute("human-monitor-command", **{"command-line": f"device_add {text}"})
        if error.strip():
            raise ValueError(error.strip())

    def set_link(self, name, state):
        """Carrier of a backend."""
        if state not in ("on", "off"):
            raise ValueError("set_link NETDEV on|off")
        self.execute("set_link", name=name, up=state == "on")

    @staticmethod
    def path(name):
        """A QOM path; a bare name is a device's id."""
        return name if name.startswith("/") else f"/machine/peripheral/{name}"

    def qom_get(self, name, prop):
        """Read a property."""
        return json.dumps(self.execute("qom-get", path=self.path(name), property=prop))

    def qom_set(self, name, prop, value):
        """Set a property: a number, true, false, or else a string."""
        try:
            value = json.loads(value)
        except ValueError:
            pass
        self.execute("qom-set", path=self.path(name), property=prop, value=value)

    def query(self, name):
        """Is a device there?"""
        there = self.execute("qom-list", path="/machine/peripheral")
        return "yes" if any(item["name"] == name for item in there) else "no"

    def reset(self):
        """Reset the machine."""
        self.execute("system_reset")
