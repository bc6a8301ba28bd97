"""What a module costs in each language, measured in one run. `make author-figures` builds the modules and calls it with
`BOXOFFICE NAME=FILE[=SECONDS]...`, with the seconds that its build took, where known.

Size and compile time are what `rules check` says, memory is the peak of the whole command with its compiler, and the load from
the cache is that of a second `rules check`. For the calls each module is served by a server of its own, all at the same time, and each
gets the same requests in turn, so that what else the machine does falls on all alike. `guest` is the CPU time of the access log (a fresh
instance for each request, and all that the rules do); `answer` is what the client waits over an open connection. Median of each.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = int(os.environ.get("ROUNDS","400"))


def main():
    box = sys.argv[1]
    modules = [argument.split("=") for argument in sys.argv[2:]]
    with tempfile.TemporaryDirectory() as folder:
        rows = [load(box, folder, *module) for module in modules]
        measure(box, folder, rows)
    table(rows)


def load(box, folder, name, file, seconds=None):
    """Loads a module twice, the second time from the cache."""
    progress(f"{name}: compiling")
    slug = os.path.basename(file)
    cache = os.path.join(folder, f"{slug}.cache")
    os.mkdir(cache, 0o700)
    cold, memory = check(box, file, cache)
    warm, _ = check(box, file, cache)
    assert warm["cached"], warm
    return {
        "name": name,
        "slug": slug,
        "file": file,
        "cache": cache,
        "build": f"{float(seconds):.0f} s" if seconds else "",
        "size": f"{cold['bytes'] / 1048576:.1f} MiB",
        "code": f"{cold['code_bytes'] / 1048576:.1f} MiB",
        "compile": f"{cold['compile_ms'] / 1000:.1f} s",
        "memory": f"{memory / 1024:.0f} MiB",
        "cached": f"{warm['load_ms']:.0f} ms",
    }


def check(box, file, cache):
    command = subprocess.Popen([box, "rules", "check", file, "--json", "--cache-dir", cache], stdout=subprocess.PIPE)
    said = command.stdout.read()
    _, status, used = os.wait4(command.pid, 0)
    command.returncode = os.waitstatus_to_exitcode(status)
    report = json.loads(said)
    if not report["accepted"]:
        sys.exit(f"figures: {file} is refused: {report}")
    return report, used.ru_maxrss


class Server:
    """A server with one module, and a connection to it."""

    def __init__(self, box, folder, row):
        self.row = row
        self.log = os.path.join(folder, f"{row['slug']}.log")
        flags = ["--db", os.path.join(folder, f"{row['slug']}.db"), "--rules", row["file"], "--cache-dir", row["cache"]]
        flags += ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--rate-limit", "off", "--log-format", "json"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([box, "serve", *flags], stderr=log)
        deadline = time.monotonic() + 60
        while not (listening := [line for line in self.lines() if line["message"] == "listening"]):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"figures: the server with {row['file']} did not start; its log:\n{open(self.log).read()}")
            time.sleep(0.05)
        host, port = listening[0]["address"].split(":")
        self.connection = http.client.HTTPConnection(host, int(port))
        self.waited = {}
        self.event = self.send("create", "POST", "/events", {"name": "figures", "capacity": 100000})["id"]

    def lines(self):
        with open(self.log) as log:
            return [json.loads(line) for line in log if line.endswith("\n")]

    def send(self, what, method, path, body=None):
        begun = time.perf_counter()
        headers = {"X-Role": "admin", "X-Request-Id": f"{what}-{len(self.waited.get(what, []))}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = self.connection.getresponse()
        text = response.read()
        self.waited.setdefault(what, []).append((time.perf_counter() - begun) * 1000)
        if response.status not in (200, 201):
            sys.exit(f"figures: {self.row['file']} answered {method} {path} with {response.status}: {text.decode()}")
        return json.loads(text)

    def stop(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait(30)
        guest = {}
        for line in self.lines():
            if line["message"] == "request":
                guest.setdefault(line["request_id"].rpartition("-")[0], []).append(line["guest_us"] / 1000)
        for what in ("GET", "register"):
            # The first calls of all fill caches of the machine.
            calls = sorted(guest[what][10:])
            self.row[f"{what} guest"] = f"{statistics.median(calls):.2f} ms"
            self.row[f"{what} p99"] = f"{calls[len(calls) * 99 // 100]:.2f} ms"
            self.row[f"{what} answer"] = f"{statistics.median(self.waited[what][10:]):.2f} ms"


def measure(box, folder, rows):
    servers = []
    try:
        for row in rows:
            servers.append(Server(box, folder, row))
        for number in range(ROUNDS):
            for server in servers:
                # Of an event itself the host would keep the answer, and not run the module.
                server.send("GET", "GET", f"/events/{server.event}/availability")
                server.send("register", "POST", f"/events/{server.event}/register", {"email": f"{number}@example.org"})
            if number % 100 == 0:
                progress(f"calls: {number} of {ROUNDS}")
    finally:
        for server in servers:
            server.process.terminate() if sys.exc_info()[0] else server.stop()


COLUMNS = {
    "name": "",
    "build": "build after a change",
    "size": "component",
    "code": "native code",
    "compile": "host compiles it",
    "memory": "memory for that",
    "cached": "load from the cache",
    "GET guest": "GET: CPU",
    "GET p99": "GET: CPU, 99 of 100 below",
    "GET answer": "GET: answer",
    "register guest": "register: CPU",
    "register p99": "register: CPU, 99 of 100 below",
    "register answer": "register: answer",
}


def table(rows):
    cells = [list(COLUMNS.values())] + [[row.get(column, "") for column in COLUMNS] for row in rows]
    # A module a column: what is compared is side by side.
    cells = list(zip(*cells))
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print("\n".join(lines))


def progress(text):
    if sys.stderr.isatty():
        print(f"figures: {text}", file=sys.stderr)


if __name__ == "__main__":
    main()
