"""The official Python server SDK against the HTTP API."""

import time
from unittest import mock

import pusher
from pusher.errors import PusherBadAuth, PusherBadRequest, PusherBadStatus, PusherForbidden

from .support import DISABLED, HOST, MAIN, PLAIN, PORT, TLS_PORT, Client, TestCase, everywhere, required, server_sdk, unique


class Publishing(TestCase):
    def setUp(self):
        self.server = server_sdk()

    # contract: 12.2, 12.5, 12.6
    def test_one_event_to_several_channels(self):
        client = Client(self).connect()
        channels = [unique("a-"), unique("b-")]
        for channel in channels:
            client.subscribe(channel)
        self.assertEqual(self.server.trigger(channels, "all", {"n": 1}), {})
        for channel in channels:
            self.assertEqual(client.next("all", channel), '{"n": 1}')

    # contract: 12.1
    def test_over_tls(self):
        # This SDK trusts only the authorities it ships with; ours takes their place.
        with mock.patch("pusher.requests.CERT_PATH", required("REQUESTS_CA_BUNDLE")):
            self.assertEqual(server_sdk(ssl=True, port=TLS_PORT).trigger("a", "x", {}), {})

    # contract: 12.14, 12.15
    def test_a_batch(self):
        client = Client(self).connect()
        channel = unique("batch-")
        client.subscribe(channel)
        event = {"channel": channel, "name": "one", "data": {"n": 1}}
        self.assertEqual(self.server.trigger_batch([event, {**event, "name": "two", "data": "text"}]), {})
        self.assertEqual(client.next("one", channel), '{"n": 1}')
        self.assertEqual(client.next("two", channel), "text")
        with_info = [{**event, "info": "subscription_count"}, dict(event)]
        self.assertEqual(self.server.trigger_batch(with_info), {"batch": [{"subscription_count": 1}, {}]})

    # contract: 12.3, 12.14
    def test_a_batch_of_eleven_is_too_large(self):
        with self.assertRaisesRegex(PusherBadRequest, "Batch too large"):
            self.server.trigger_batch([{"channel": "a", "name": "x", "data": ""} for _ in range(11)])

    # contract: 12.3, 12.13
    def test_more_than_10240_bytes_are_refused(self):
        self.assertEqual(self.server.trigger("a", "x", "x" * 10240), {})
        with self.assertRaisesRegex(PusherBadStatus, "413: The data content of this event exceeds"):
            self.server.trigger("a", "x", "x" * 10241)

    # contract: 6.7, 11.1, 11.5
    def test_messages_to_and_termination_of_users(self):
        # This SDK posts to /users/{id}/terminate_connections, without the app.
        self.assertEqual(self.server.send_to_user("A_a-0=@,.;", "x", {}), {})
        self.assertEqual(self.server.terminate_user_connections("A_a-0=@,.;"), {})


class Queries(TestCase):
    def setUp(self):
        self.server = server_sdk()

    # contract: 12.16, 12.17, 13.9
    def test_occupied_channels_by_prefix(self):
        prefix = unique("presence-list-")
        client = Client(self, user_data={"user_id": 10}).connect()
        client.subscribe(prefix)
        everywhere()
        self.assertIn(prefix, self.server.channels_info()["channels"])
        self.assertEqual(
            self.server.channels_info(prefix, ["user_count"]), {"channels": {prefix: {"user_count": 1}}}
        )
        self.assertEqual(self.server.channels_info(unique("nothing-")), {"channels": {}})
        with self.assertRaises(PusherBadRequest):
            self.server.channels_info(None, ["user_count"])

    # contract: 12.7, 12.18
    def test_one_channel(self):
        channel = unique("presence-")
        self.assertEqual(self.server.channel_info(channel), {"occupied": False})
        for _ in range(2):
            Client(self, user_data={"user_id": 10}).connect().subscribe(channel)
        everywhere()
        self.assertEqual(
            self.server.channel_info(channel, ["user_count", "subscription_count"]),
            {"occupied": True, "user_count": 1, "subscription_count": 2},
        )
        with self.assertRaises(PusherBadRequest):
            self.server.channel_info(unique("public-"), ["user_count"])
        with self.assertRaises(PusherBadRequest):
            server_sdk(PLAIN).channel_info(channel, ["subscription_count"])

    # contract: 8.7
    def test_the_cache(self):
        channel = unique("cache-")
        self.assertIsNone(self.server.channel_info(channel, ["cache"])["cache"])
        self.server.trigger(channel, "kept", '{"n" : 1}')
        self.assertEqual(self.server.channel_info(channel, ["cache"])["cache"]["data"], '{"n" : 1}')

    # contract: 5.6, 12.19
    def test_the_users_of_a_presence_channel(self):
        channel = unique("presence-")
        self.assertEqual(self.server.users_info(channel), {"users": []})
        Client(self, user_data={"user_id": 10}).connect().subscribe(channel)
        everywhere()
        self.assertEqual(self.server.users_info(channel), {"users": [{"id": "10"}]})
        with self.assertRaises(PusherBadRequest):
            self.server.users_info(unique("private-"))


class Callers(TestCase):
    # contract: 13.1, 13.11
    def test_a_wrong_secret_is_refused(self):
        wrong = pusher.Pusher(MAIN.id, MAIN.key, "wrong", ssl=False, host=HOST, port=PORT)
        with self.assertRaisesRegex(PusherBadAuth, "^Invalid signature"):
            wrong.trigger("a", "x", {})
        with self.assertRaisesRegex(PusherBadAuth, "^Invalid signature"):
            wrong.channels_info()

    # contract: 13.12
    def test_another_apps_key_is_refused(self):
        mixed = pusher.Pusher(MAIN.id, PLAIN.key, PLAIN.secret, ssl=False, host=HOST, port=PORT)
        with self.assertRaises(PusherBadAuth):
            mixed.trigger("a", "x", {})

    # contract: 13.7
    def test_a_clock_that_is_far_off_is_refused(self):
        late = time.time() - 660
        with mock.patch("pusher.http.time.time", lambda: late):
            with self.assertRaisesRegex(PusherBadAuth, "Timestamp expired"):
                server_sdk().trigger("a", "x", {})

    # contract: 12.3, 12.21
    def test_a_disabled_app_and_one_that_does_not_exist(self):
        with self.assertRaises(PusherForbidden):
            server_sdk(DISABLED).trigger("a", "x", {})
        nobody = pusher.Pusher("999999999", MAIN.key, MAIN.secret, ssl=False, host=HOST, port=PORT)
        with self.assertRaisesRegex(PusherBadStatus, "^404"):
            nobody.trigger("a", "x", {})

    # contract: 12.1
    def test_the_sdk_can_be_made_from_a_url(self):
        # from_url hands "host:port" on as the host, so the port is given apart.
        url = f"http://{MAIN.key}:{MAIN.secret}@{HOST}/apps/{MAIN.id}"
        self.assertEqual(pusher.Pusher.from_url(url, port=PORT).trigger("a", "x", {}), {})
