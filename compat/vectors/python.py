"""Signature vectors as the official Python SDK makes them. Prints JSON."""

import base64
import json
import pathlib
import sys
import time

import pusher
from pusher.signature import sign

CASES = json.loads(pathlib.Path(__file__).with_name("cases.json").read_text("utf-8"))
VECTORS = []

time.time = lambda: CASES["timestamp"]


class Capture:
    """An HTTP backend of the SDK that writes each signed request down instead of sending it."""

    def __init__(self, client, **_options):
        self.client = client

    def send_request(self, request):
        query = dict(request.query_params)
        signature = query.pop("auth_signature")
        VECTORS.append({
            "kind": "request", "key": self.client.key, "secret": self.client.secret,
            "method": request.method, "path": request.path,
            "query": dict(sorted(query.items())),
            "body": request.body.decode("utf-8"), "signature": signature,
        })
        return {}


def hexed(app, auth):
    key, _, signature = auth.rpartition(":")
    assert key == app["key"], auth
    return signature


def requests(sdk):
    for case in CASES["publishes"]:
        sdk.trigger(case["channels"], case["name"], case["data"], case.get("socket_id"))
    for batch in CASES["batches"]:
        sdk.trigger_batch([dict(event) for event in batch])
    sdk.send_to_user("A_a-0=@,.;", "hello", {"to": "you"})
    for query in CASES["channel_queries"]:
        sdk.channels_info(query.get("filter_by_prefix"), query.get("info", []))
    for read in CASES["channel_reads"]:
        sdk.channel_info(read["channel"], read["info"])
    sdk.users_info("presence-foobar")
    for user in CASES["terminate"]:
        sdk.terminate_user_connections(user)


def channels(app, sdk):
    base = {"kind": "channel", "key": app["key"], "secret": app["secret"]}
    for socket_id in CASES["socket_ids"]:
        for channel in CASES["channels"]:
            auth = sdk.authenticate(channel, socket_id)["auth"]
            VECTORS.append({**base, "socket_id": socket_id, "channel": channel, "signature": hexed(app, auth)})
    socket_id = CASES["socket_ids"][0]
    for channel in CASES["presence_channels"]:
        for data in CASES["channel_data"]:
            answer = sdk.authenticate(channel, socket_id, data)
            VECTORS.append({
                **base, "socket_id": socket_id, "channel": channel,
                "channel_data": answer["channel_data"], "signature": hexed(app, answer["auth"]),
            })


def users(app, sdk):
    for data in CASES["user_data"]:
        socket_id = CASES["socket_ids"][0]
        answer = sdk.authenticate_user(socket_id, data)
        VECTORS.append({
            "kind": "user", "key": app["key"], "secret": app["secret"], "socket_id": socket_id,
            "user_data": answer["user_data"], "signature": hexed(app, answer["auth"]),
        })


def webhooks(app):
    for body in CASES["webhooks"]:
        VECTORS.append({
            "kind": "webhook", "secret": app["secret"], "body": body,
            "signature": sign(app["secret"], body),
        })


def main():
    for app in CASES["apps"]:
        sdk = pusher.Pusher(
            app_id=app["id"], key=app["key"], secret=app["secret"], ssl=False, backend=Capture,
            encryption_master_key_base64=base64.b64encode(b"\x01" * 32).decode(),
        )
        requests(sdk)
        channels(app, sdk)
        users(app, sdk)
        webhooks(app)
    json.dump(VECTORS, sys.stdout, indent=2, ensure_ascii=False)
    print()


main()
