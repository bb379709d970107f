"""Webhooks of a real server, verified by the official Python server SDK and the Standard Webhooks library."""

import base64
import hashlib
import hmac
import json
import time
from datetime import datetime, timezone

import pusher
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from .bellwire import Bellwire, Delivery, Receiver, Token
from .support import TestCase, eventually, unique

APP = Token("2001", "hooked-key", "hooked-secret")
OLDEST, OLDER, NEWEST = (Token("2002", f"{name}-key", f"{name}-secret") for name in ("oldest", "older", "newest"))
SIGNING_SECRET = "whsec_" + base64.b64encode(b"\x09" * 32).decode()
DAY_S = 86_400


def validated(delivery, token=APP, **changes):
    """What the SDK makes of a delivery, some of which may be changed."""
    sdk = pusher.Pusher(token.id, token.key, token.secret)
    given = {
        "key": delivery.headers["X-Pusher-Key"],
        "signature": delivery.headers["X-Pusher-Signature"],
        "body": delivery.body,
    }
    return sdk.validate_webhook(**{**given, **changes})


def verified(delivery, secret=SIGNING_SECRET):
    return Webhook(secret).verify(delivery.body, delivery.headers)


def one_byte_off(body):
    """Another time, which is as good a body as before."""
    at = body.index('"time_ms":') + 20
    return body[:at] + chr(ord(body[at]) ^ 1) + body[at + 1:]


def with_header(delivery, name, value):
    return Delivery({**delivery.headers, name: value}, delivery.body)


def sent_earlier(delivery, seconds):
    """A delivery as it would have been at an earlier time, signed for it."""
    at_s = time.time() - seconds
    body = json.dumps({**json.loads(delivery.body), "time_ms": int(at_s * 1000)})
    sent = datetime.fromtimestamp(int(at_s), tz=timezone.utc)
    return Delivery({
        **delivery.headers,
        "X-Pusher-Signature": hmac.new(APP.secret.encode(), body.encode(), hashlib.sha256).hexdigest(),
        "Webhook-Timestamp": str(int(at_s)),
        "Webhook-Signature": Webhook(SIGNING_SECRET).sign(delivery.id, sent, body),
    }, body)


class Webhooks(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.stop)
        keys = [(NEWEST, "2026-03-01", True), (OLDER, "2026-02-01", True), (OLDEST, "2026-01-01", False)]
        cls.server = Bellwire([
            {
                **APP.config,
                "client_events": True,
                "subscription_count": True,
                "webhooks": [{"url": cls.receiver.url("/all"), "signing_secret": SIGNING_SECRET}],
            },
            {
                "id": OLDER.id,
                "keys": [
                    {"key": token.key, "secret": token.secret, "created_at": f"{day}T00:00:00Z", "active": active}
                    for token, day, active in keys
                ],
                "webhooks": [{"url": cls.receiver.url("/keys")}],
            },
        ])
        cls.addClassCleanup(cls.server.stop)

    def heard(self, name, channel, path="/all", **options):
        return self.receiver.next(path, name, channel, **options)

    def occupied(self, app=APP, path="/all"):
        """Occupies a channel; its name and the delivery that tells of it."""
        channel = unique("public-")
        self.server.client(self, app).subscribe(channel)
        return channel, self.heard("channel_occupied", channel, path)[1]

    def every_kind(self):
        """Something of every kind happens; the events with their deliveries."""
        room, cache = unique("presence-"), unique("private-cache-")
        ann = self.server.client(self, APP, user_data={"user_id": 10, "user_info": {"name": "Zoë"}})
        bob = self.server.client(self, APP, user_data={"user_id": "bob"})
        for client in (ann, bob):
            for channel in (room, cache):
                client.subscribe(channel)
        for channel in (room, cache):
            ann.sdk.channel(channel).trigger("client-said", {"text": "Zoë 🔔"})
            bob.next("client-said", channel)
        for client in (ann, bob):
            for channel in (room, cache):
                client.sdk.unsubscribe(channel)
        wanted = [
            ("channel_occupied", room), ("member_added", room), ("member_added", room), ("client_event", room),
            ("member_removed", room), ("member_removed", room), ("channel_vacated", room),
            ("channel_occupied", cache), ("cache_miss", cache), ("subscription_count", cache),
            ("client_event", cache), ("channel_vacated", cache),
        ]
        return [self.heard(name, channel) for name, channel in wanted]

    # contract: 16.1, 16.2, 16.6, 16.8
    def test_the_sdk_takes_a_webhook_of_every_kind_for_genuine(self):
        for event, delivery in self.every_kind():
            webhook = validated(delivery)
            self.assertIsNotNone(webhook, delivery.body)
            self.assertEqual(webhook["events"], [event])
            self.assertIs(type(webhook["time_ms"]), int)

    # contract: 16.2, 16.3
    def test_the_names_of_headers_come_as_the_documents_write_them(self):
        _, delivery = self.occupied()
        self.assertEqual(delivery.headers["Content-Type"], "application/json")
        self.assertEqual(delivery.headers["X-Pusher-Key"], APP.key)
        self.assertRegex(delivery.headers["X-Pusher-Signature"], r"\A[0-9a-f]{64}\Z")

    # contract: 16.9
    def test_every_value_of_every_event_is_a_string_but_for_the_count(self):
        for event, _ in self.every_kind():
            for field, value in event.items():
                kind = int if field == "subscription_count" else str
                self.assertIs(type(value), kind, f"{event['name']}: {field}")

    # contract: 16.2, 16.4
    def test_the_sdk_refuses_a_changed_body_signature_or_key(self):
        _, delivery = self.occupied()
        self.assertIsNotNone(validated(delivery))
        off = one_byte_off(delivery.body)
        self.assertLess(abs(json.loads(off)["time_ms"] - json.loads(delivery.body)["time_ms"]), 30_000)
        self.assertIsNone(validated(delivery, body=off))
        self.assertIsNone(validated(delivery, signature=delivery.headers["X-Pusher-Signature"].upper()))
        self.assertIsNone(validated(delivery, key="another"))
        self.assertIsNone(validated(delivery, Token(APP.id, APP.key, "another")))

    # contract: 15.2, 16.2
    def test_the_oldest_active_key_signs(self):
        _, delivery = self.occupied(NEWEST, "/keys")
        self.assertIsNotNone(validated(delivery, OLDER))
        self.assertIsNone(validated(delivery, OLDEST))
        self.assertIsNone(validated(delivery, NEWEST))

    # contract: 16.6
    def test_what_is_older_than_300_seconds_is_refused_however_well_it_is_signed(self):
        _, delivery = self.occupied()
        self.assertIsNotNone(validated(sent_earlier(delivery, 200)))
        for seconds in (301, DAY_S):
            self.assertIsNone(validated(sent_earlier(delivery, seconds)))
            with self.assertRaisesRegex(WebhookVerificationError, "too old"):
                verified(sent_earlier(delivery, seconds))

    # contract: 16.6
    def test_what_was_sent_yesterday_is_accepted_when_it_is_replayed(self):
        channel, delivery = self.occupied()
        self.assertIsNone(validated(sent_earlier(delivery, DAY_S)))

        def is_listed():
            listed = self.server.run("webhooks", "deliveries", APP.id)
            return any(one["id"] == delivery.id and one["status"] == "delivered" for one in listed)

        eventually("the delivery is listed", is_listed)
        self.server.run("webhooks", "replay", delivery.id)
        _, replayed = self.heard("channel_occupied", channel)
        self.assertIn("X-Bellwire-Replay", replayed.headers)
        self.assertEqual(replayed.id, delivery.id)
        webhook = validated(replayed)
        self.assertIsNotNone(webhook)
        self.assertEqual(webhook["events"], delivery.events)
        self.assertGreater(webhook["time_ms"], json.loads(delivery.body)["time_ms"])
        self.assertEqual(verified(replayed), webhook)

    # contract: 16.2
    def test_the_standard_webhooks_library_takes_the_same_webhooks_for_genuine(self):
        for _, delivery in self.every_kind():
            self.assertEqual(verified(delivery), json.loads(delivery.body))

    def test_the_standard_webhooks_library_refuses_a_changed_body_another_secret_and_another_id(self):
        _, delivery = self.occupied()
        verified(delivery)
        another = "whsec_" + base64.b64encode(b"\x08" * 32).decode()
        for changed, secret in (
            (Delivery(delivery.headers, one_byte_off(delivery.body)), SIGNING_SECRET),
            (with_header(delivery, "Webhook-Id", "msg_0"), SIGNING_SECRET),
            (delivery, another),
        ):
            with self.assertRaisesRegex(WebhookVerificationError, "No matching signature"):
                verified(changed, secret)

    def test_after_a_new_secret_is_made_the_old_one_verifies_until_the_overlap_ends(self):
        made = self.server.run("webhooks", "add", APP.id, self.receiver.url("/stored"), "--event", "channel_occupied")
        first = made["secret"]
        delivery = self.first_signed_with(first)
        self.assertEqual(len(delivery.headers["Webhook-Signature"].split()), 1)

        second = self.server.run("webhooks", "rotate-secret", made["id"])["secret"]
        during = self.first_signed_with(second)
        self.assertEqual(verified(during, first), verified(during, second))
        self.assertIsNotNone(validated(during))

        rotated = self.server.run("webhooks", "rotate-secret", made["id"], "--overlap-hours", "0")
        after = self.first_signed_with(rotated["secret"])
        for ended in (first, second):
            with self.assertRaisesRegex(WebhookVerificationError, "No matching signature"):
                verified(after, ended)

    def first_signed_with(self, secret):
        """The first delivery to the stored endpoint, of channels from now on, that this secret verifies."""
        found = []

        def is_signed():
            channel, _ = self.occupied()
            found[:] = [delivery for event, delivery in self.receiver.unread("/stored") if event["channel"] == channel]
            try:
                return bool(found) and bool(verified(found[0], secret))
            except WebhookVerificationError:
                return False

        eventually("the new secret signs", is_signed)
        return found[0]
