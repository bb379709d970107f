"""A server of the tests' own, because where webhooks go is in its config, and who receives them."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .support import PATIENCE_S, Client, eventually, required

ADDRESS = "127.0.0.1"


class Token:
    """A key of an app and its secret."""

    def __init__(self, app_id, key, secret):
        self.id, self.key, self.secret = app_id, key, secret

    @property
    def config(self):
        return {"id": self.id, "key": self.key, "secret": self.secret}


class Delivery:
    """One POST as it came."""

    def __init__(self, headers, body):
        self.headers = headers
        self.body = body

    @property
    def id(self):
        return self.headers["Webhook-Id"]

    @property
    def events(self):
        return json.loads(self.body)["events"]


class Receiver:
    """The server a customer would run to receive webhooks; every path is a hook of its own."""

    def __init__(self):
        self._news = threading.Condition()
        self._waiting = {}
        self._known = set()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(handler):
                body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
                self._take(handler.path, Delivery(dict(handler.headers.items()), body))
                handler.send_response(200)
                handler.send_header("Content-Length", "0")
                handler.end_headers()

            def log_message(handler, *_args):
                pass

        self._server = ThreadingHTTPServer((ADDRESS, 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def url(self, path):
        return f"http://{ADDRESS}:{self._server.server_port}{path}"

    def next(self, path, name, channel, matches=lambda _delivery: True):
        """The oldest such event that was not asked for yet, with its delivery."""
        deadline = time.monotonic() + PATIENCE_S
        with self._news:
            while True:
                waiting = self._waiting.setdefault(path, [])
                for index, (event, delivery) in enumerate(waiting):
                    if (event["name"], event["channel"]) == (name, channel) and matches(delivery):
                        return waiting.pop(index)
                if not self._news.wait(deadline - time.monotonic()):
                    raise AssertionError(f"{name} on {channel} never came; what came instead: {waiting}")

    def unread(self, path):
        """What is here now and was not asked for; stays here."""
        with self._news:
            return list(self._waiting.get(path, []))

    def _take(self, path, delivery):
        with self._news:
            # Delivery is at least once: the same id again is no news, unless it is replayed.
            known = (path, delivery.id, delivery.headers.get("X-Bellwire-Replay"))
            if known in self._known:
                return
            self._known.add(known)
            self._waiting.setdefault(path, []).extend((event, delivery) for event in delivery.events)
            self._news.notify_all()


class Bellwire:
    """The server, with these apps as the config file has them."""

    def __init__(self, apps):
        self._binary = required("BELLWIRE_BIN")
        self._folder = Path(tempfile.mkdtemp(prefix="compat-bellwire-"))
        self._config = self._folder / "bellwire.toml"
        self._log = self._folder / "log"
        self.port = free_port()
        server = {"listen": f"{ADDRESS}:{self.port}", "data_dir": str(self._folder / "data"), "drain_window_s": 1}
        config = {"server": server, "webhooks": {"grace_ms": 300}, "apps": apps}
        self._config.write_text("".join(f"{key} = {toml(value)}\n" for key, value in config.items()))
        with self._log.open("w") as log:
            command = [self._binary, "serve", "--config", self._config]
            self._process = subprocess.Popen(command, env=environment(), stdout=log, stderr=log)
        eventually("the server is up", self._is_up)

    def stop(self):
        self._assert_alive()
        self._process.terminate()
        if self._process.wait() != 0:
            self._assert_alive()
        shutil.rmtree(self._folder)

    def client(self, test, app, **options):
        """A connected Pysher client."""
        return Client(test, app, custom_host=ADDRESS, port=self.port, **options).connect()

    def run(self, *words):
        """What a command prints as JSON, told where the server is."""
        command = [self._binary, *words, "--json", "--config", self._config]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def _is_up(self):
        self._assert_alive()
        try:
            return urllib.request.urlopen(f"http://{ADDRESS}:{self.port}/up").status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def _assert_alive(self):
        if self._process.poll() is not None:
            log = self._log.read_text()[-4000:]
            raise AssertionError(f"the server ended ({self._process.returncode}):\n{log}")


def environment():
    """Without what the servers of compat/run are told."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("BELLWIRE_", "PUSHER_"))}


def toml(value):
    """A value in TOML; tables are inline ones."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(key)} = {toml(one)}' for key, one in value.items())} }}"
    return json.dumps(value)


def free_port():
    with socket.socket() as one:
        one.bind((ADDRESS, 0))
        return one.getsockname()[1]
