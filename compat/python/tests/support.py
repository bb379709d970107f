"""Where the server under test is (compat/run sets it), and what the tests share."""

import base64
import json
import logging
import os
import queue
import secrets
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pusher
import pysher

PATIENCE_S = 60
MASTER_KEY = base64.b64encode(b"\x07" * 32).decode()


def required(name):
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(f"{name} is not set; compat/run sets it")
    return value


HOST = required("BELLWIRE_HOST")
PORT = int(required("BELLWIRE_PORT"))
TLS_PORT = int(required("BELLWIRE_TLS_PORT"))


class App:
    def __init__(self, prefix):
        self.id = required(f"{prefix}_ID")
        self.key = required(f"{prefix}_KEY")
        self.secret = required(f"{prefix}_SECRET")


MAIN = App("APP")
PLAIN = App("PLAIN_APP")
DISABLED = App("DISABLED_APP")


def unique(prefix):
    """A channel or user name that no other test uses."""
    return prefix + secrets.token_hex(6)


def everywhere():
    """In a cluster, what one node knows the others know within a second."""
    if os.environ.get("COMPAT_BUS"):
        time.sleep(1)


def server_sdk(app=MAIN, **more):
    """The official Python server SDK for one app of the server under test."""
    options = {"ssl": False, "port": PORT, **more}
    return pusher.Pusher(
        app_id=app.id, key=app.key, secret=app.secret, host=HOST, timeout=PATIENCE_S,
        encryption_master_key_base64=MASTER_KEY, **options,
    )


def eventually(what, holds):
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"it never came true that {what}")
        time.sleep(0.05)


class Client:
    """A Pysher client; everything it receives is kept in order as (event, channel, data)."""

    def __init__(self, test, app=MAIN, secure=False, **options):
        defaults = {"secret": app.secret, "custom_host": HOST, "port": TLS_PORT if secure else PORT}
        self.sdk = pysher.Pusher(
            app.key, secure=secure, reconnect_interval=1, log_level=logging.CRITICAL,
            **{**defaults, **options},
        )
        self._arrived = queue.Queue()
        self._unclaimed = []
        connection = self.sdk.connection
        handle = connection.event_handler

        def record(event, data, channel):
            self._arrived.put((event, channel, data))
            handle(event, data, channel)

        connection.event_handler = record
        for event in ("pusher:connection_established", "pusher:error", "pusher:pong"):
            connection.bind(event, lambda data, event=event: self._arrived.put((event, None, data)))
        test.addCleanup(self.disconnect)

    def disconnect(self):
        # The socket is closed at once; the SDK's thread may go on waiting on the closed socket.
        self.sdk.disconnect(timeout=0)

    def connect(self):
        self.sdk.connect()
        self.next("pusher:connection_established")
        return self

    @property
    def socket_id(self):
        return self.sdk.connection.socket_id

    def subscribe(self, channel, **options):
        """Subscribes and waits; the data of `subscription_succeeded`, parsed."""
        self.sdk.subscribe(channel, **options)
        return json.loads(self.next("pusher_internal:subscription_succeeded", channel))

    def next(self, event, channel=None):
        """The data of the oldest such event that was not asked for yet."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            for index, (one, where, data) in enumerate(self._unclaimed):
                if one == event and channel in (None, where):
                    del self._unclaimed[index]
                    return data
            try:
                self._unclaimed.append(self._arrived.get(timeout=max(0, deadline - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"{event} never came; what came instead: {self._unclaimed}") from None

    def unread(self, event):
        """How many such events are here and were not asked for."""
        while not self._arrived.empty():
            self._unclaimed.append(self._arrived.get())
        return sum(one == event for one, _, _ in self._unclaimed)


class AuthServer:
    """The endpoint a customer would run: answers Pysher's form posts with the server SDK."""

    def __init__(self, test):
        sdk = server_sdk()
        self.requests = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler):
                body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self.requests.append(form)
                answer = json.dumps(sdk.authenticate(form["channel_name"], form["socket_id"])).encode()
                handler.send_response(200)
                handler.send_header("Content-Type", "application/json")
                handler.send_header("Content-Length", str(len(answer)))
                handler.end_headers()
                handler.wfile.write(answer)

            def log_message(handler, *_args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        test.addCleanup(server.server_close)
        test.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}/auth"


class TestCase(unittest.TestCase):
    maxDiff = None
