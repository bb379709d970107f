"""Pysher, which speaks protocol 6, with the official Python SDK as the other end."""

import base64
import hashlib
import json

import nacl.secret

from .support import MAIN, MASTER_KEY, PLAIN, AuthServer, Client, TestCase, eventually, server_sdk, unique


def unsealed(channel, sealed):
    key = hashlib.sha256(channel.encode() + base64.b64decode(MASTER_KEY)).digest()
    nonce, ciphertext = (base64.b64decode(sealed[part]) for part in ("nonce", "ciphertext"))
    return nacl.secret.SecretBox(key).decrypt(ciphertext, nonce).decode()


class Connecting(TestCase):
    # contract: 1.1, 1.3, 1.9, 1.10, 1.11, 1.12
    def test_connects_and_learns_its_socket_id(self):
        client = Client(self)
        client.sdk.connect()
        data = json.loads(client.next("pusher:connection_established"))
        self.assertRegex(data["socket_id"], r"\A\d+\.\d+\Z")
        self.assertIsInstance(data["activity_timeout"], int)
        self.assertGreater(data["activity_timeout"], 0)
        self.assertEqual(client.socket_id, data["socket_id"])
        self.assertEqual(client.sdk.connection.state, "connected")

    # contract: 1.1
    def test_connects_over_tls(self):
        client = Client(self, secure=True).connect()
        self.assertEqual(client.subscribe(unique("public-")), {})

    # contract: 1.7, 1.8, 3.3
    def test_an_unknown_key_is_refused_with_4001(self):
        client = Client(self)
        client.sdk.connection.url = client.sdk.connection.url.replace(MAIN.key, "nobody")
        client.sdk.connect()
        error = client.next("pusher:error")
        self.assertEqual(error["code"], 4001)
        self.assertIsInstance(error["message"], str)
        client.sdk.connection.join(60)
        self.assertFalse(client.sdk.connection.is_alive(), "the SDK should have given up")

    # contract: 2.1, 3.8
    def test_pings_are_answered_before_and_after_subscribing(self):
        client = Client(self).connect()
        for channel in (None, unique("public-")):
            if channel:
                client.subscribe(channel)
            client.sdk.connection.send_ping()
            self.assertEqual(client.next("pusher:pong"), "{}")

    # contract: 4.14
    def test_after_a_lost_connection_the_client_subscribes_afresh(self):
        client = Client(self, auto_sub=True).connect()
        channel = unique("public-")
        client.subscribe(channel)
        first = client.socket_id
        # From the SDK's own thread: closing its socket from another one would not wake it.
        client.sdk.channel(channel).bind("drop", lambda _data: client.sdk.connection.reconnect())
        server_sdk().trigger(channel, "drop", {})
        client.next("pusher:connection_established")
        self.assertNotEqual(client.socket_id, first)
        client.next("pusher_internal:subscription_succeeded", channel)
        server_sdk().trigger(channel, "back", {})
        client.next("back", channel)


class Channels(TestCase):
    def setUp(self):
        self.server = server_sdk()

    # contract: 3.2, 3.7, 4.1, 4.6
    def test_a_public_channel_hears_what_is_published_byte_for_byte(self):
        client = Client(self).connect()
        channel = unique("A_a-0=@,.;")
        self.assertEqual(client.subscribe(channel), {})
        for data in ('{"a" : [1.0, "Zo\\u00eb", "\\/"]}', "Zoë 🔔 \u2028", "", "not JSON"):
            self.server.trigger(channel, "news", data)
            self.assertEqual(client.next("news", channel), data)
        self.server.trigger(channel, "news", {"é": [1, None]})
        self.assertEqual(client.next("news", channel), '{"é": [1, null]}')

    # contract: 4.12
    def test_unsubscribing_ends_delivery(self):
        client = Client(self).connect()
        left, kept = unique("left-"), unique("kept-")
        client.subscribe(left)
        client.subscribe(kept)
        client.sdk.unsubscribe(left)
        eventually("the channel is vacant", lambda: not self.server.channel_info(left)["occupied"])
        self.server.trigger([left, kept], "after", {})
        client.next("after", kept)
        self.assertEqual(client.unread("after"), 0)

    # contract: 4.4
    def test_private_channels_signed_by_the_client_itself(self):
        client = Client(self).connect()
        channel = unique("private-")
        self.assertEqual(client.subscribe(channel), {})
        self.server.trigger(channel, "secret", {"n": 1})
        self.assertEqual(json.loads(client.next("secret", channel)), {"n": 1})

    # contract: 4.4
    def test_private_channels_through_the_customers_endpoint(self):
        endpoint = AuthServer(self)
        client = Client(self, secret="", auth_endpoint=endpoint.url).connect()
        channel = unique("private-")
        self.assertEqual(client.subscribe(channel), {})
        self.assertEqual(endpoint.requests, [{"channel_name": channel, "socket_id": client.socket_id}])

    # contract: 3.3, 3.4, 4.8, 4.9
    def test_a_forged_signature_is_refused_and_the_connection_stays_good(self):
        client = Client(self, secret="not the secret").connect()
        refused = unique("private-")
        client.sdk.subscribe(refused)
        error = client.next("pusher:error")
        self.assertIsNone(error["code"])
        self.assertIn("Invalid signature", error["message"])
        details = json.loads(client.next("pusher:subscription_error", refused))
        self.assertEqual((details["type"], details["status"]), ("AuthError", 401))
        self.assertEqual(client.subscribe(unique("public-")), {})

    # contract: 4.4, 5.1, 5.4, 5.5, 5.6, 5.7, 5.12
    def test_presence_members_see_each_other_come_and_go(self):
        channel = unique("presence-")
        # json.dumps of both SDKs writes spaces and \u escapes: the signature covers just those bytes.
        info = {"name": "Zoë 🔔", "nested": {"list": [1, {"two": None}]}}
        first = Client(self, user_data={"user_id": "ann", "user_info": info}).connect()
        self.assertEqual(
            first.subscribe(channel), {"presence": {"ids": ["ann"], "hash": {"ann": info}, "count": 1}}
        )
        second = Client(self, user_data={"user_id": 10}).connect()
        presence = second.subscribe(channel)["presence"]
        self.assertEqual(sorted(presence["ids"]), ["10", "ann"])
        self.assertEqual(presence["hash"], {"ann": info, "10": None})
        self.assertEqual(presence["count"], 2)
        self.assertEqual(
            json.loads(first.next("pusher_internal:member_added", channel)), {"user_id": "10"}
        )
        tab = Client(self, user_data={"user_id": 10}).connect()
        tab.subscribe(channel)
        second.sdk.unsubscribe(channel)
        tab.disconnect()
        self.assertEqual(
            json.loads(first.next("pusher_internal:member_removed", channel)), {"user_id": "10"}
        )
        self.assertEqual(first.unread("pusher_internal:member_added"), 0)
        self.assertEqual(second.unread("pusher_internal:member_added"), 0)

    # contract: 5.2
    def test_a_member_without_an_id_is_refused(self):
        client = Client(self, user_data={"user_info": {}}).connect()
        client.sdk.subscribe(unique("presence-"))
        self.assertIsNone(client.next("pusher:error")["code"])

    # contract: 5.13
    def test_a_large_number_as_user_id_keeps_its_digits(self):
        channel = unique("presence-")
        client = Client(self, user_data={"user_id": 12345678901234567890123}).connect()
        self.assertEqual(client.subscribe(channel)["presence"]["ids"], ["12345678901234567890123"])
        self.assertEqual(self.server.users_info(channel), {"users": [{"id": "12345678901234567890123"}]})

    # contract: 3.7, 7.1, 7.2, 7.4
    def test_client_events_reach_the_others_as_text_and_not_the_sender(self):
        channel = unique("private-")
        sender, hearer = Client(self).connect(), Client(self).connect()
        sender.subscribe(channel)
        hearer.subscribe(channel)
        speak = sender.sdk.channel(channel).trigger
        for data, heard in [
            ({"a": [1, "é"]}, {"a": [1, "é"]}), ([], []), (7, 7), (True, True), (None, None),
        ]:
            speak("client-said", data)
            text = hearer.next("client-said", channel)
            self.assertIsInstance(text, str)
            self.assertEqual(json.loads(text), heard)
        speak("client-said", ' {"kept": "as it is"} ')
        self.assertEqual(hearer.next("client-said", channel), ' {"kept": "as it is"} ')
        self.server.trigger(channel, "fence", {})
        sender.next("fence", channel)
        self.assertEqual(sender.unread("client-said"), 0)

    # contract: 7.2, 7.6
    def test_client_events_need_the_apps_toggle(self):
        client = Client(self, app=PLAIN).connect()
        channel = unique("private-")
        client.subscribe(channel)
        client.sdk.channel(channel).trigger("client-said", {})
        self.assertEqual(client.next("pusher:error"), {
            "code": None,
            "message": "To send client events, you must enable this feature in the Settings page of your dashboard.",
        })

    # contract: 7.5
    def test_a_flood_of_client_events_is_cut_with_4301(self):
        client = Client(self).connect()
        channel = unique("private-")
        client.subscribe(channel)
        for number in range(200):
            client.sdk.channel(channel).trigger("client-said", number)
        self.assertEqual(client.next("pusher:error")["code"], 4301)
        self.server.trigger(channel, "fence", {})
        client.next("fence", channel)

    # contract: 12.11, 17.1
    def test_the_excluded_socket_does_not_hear_the_event(self):
        channel = unique("excluded-")
        left, heard = Client(self).connect(), Client(self).connect()
        left.subscribe(channel)
        heard.subscribe(channel)
        self.server.trigger(channel, "others", {}, left.socket_id)
        self.server.trigger(channel, "fence", {})
        heard.next("others", channel)
        left.next("fence", channel)
        self.assertEqual(left.unread("others"), 0)

    # contract: 3.8, 8.1, 8.2
    def test_cache_channels_replay_or_say_that_they_are_empty(self):
        full, empty = unique("cache-"), unique("private-cache-")
        self.server.trigger(full, "kept", '{"n" : 1}')
        client = Client(self).connect()
        client.subscribe(full)
        self.assertEqual(client.next("kept", full), '{"n" : 1}')
        client.subscribe(empty)
        self.assertEqual(client.next("pusher:cache_miss", empty), "{}")

    # contract: 9.1, 9.2, 9.3
    def test_encrypted_channels_carry_the_ciphertext_untouched(self):
        client = Client(self).connect()
        channel = unique("private-encrypted-")
        client.subscribe(channel)
        self.server.trigger(channel, "sealed", {"secret": 1})
        sealed = json.loads(client.next("sealed", channel))
        self.assertEqual(set(sealed), {"nonce", "ciphertext"})
        self.assertEqual(unsealed(channel, sealed), '{"secret": 1}')

    # contract: 14.1, 14.2
    def test_subscribers_are_told_how_many_they_are(self):
        channel = unique("counted-")
        first, second = Client(self).connect(), Client(self).connect()
        counts = lambda client: json.loads(client.next("pusher_internal:subscription_count", channel))
        first.subscribe(channel)
        self.assertEqual(counts(first), {"subscription_count": 1})
        second.subscribe(channel)
        self.assertEqual(counts(first), {"subscription_count": 2})
        self.assertEqual(counts(second), {"subscription_count": 2})
        second.disconnect()
        self.assertEqual(counts(first), {"subscription_count": 1})


class Users(TestCase):
    def setUp(self):
        self.server = server_sdk()

    def sign_in(self, client, user_data):
        """Pysher has no sign-in of its own: it sends what the server SDK signed, as any event."""
        client.sdk.connection.bind(
            "pusher:signin_success", lambda data: client._arrived.put(("pusher:signin_success", None, data))
        )
        client.sdk.connection.bind(
            "pusher_internal:watchlist_events", lambda data: client._arrived.put(("watchlist", None, data))
        )
        answer = self.server.authenticate_user(client.socket_id, user_data)
        client.sdk.connection.send_event("pusher:signin", answer)
        return answer

    # contract: 6.1, 6.3, 6.6, 6.7
    def test_signing_in_with_what_the_server_sdk_signed(self):
        client = Client(self).connect()
        user = unique("user-")
        answer = self.sign_in(client, {"id": user, "user_info": {"name": "Zoë"}})
        success = json.loads(client.next("pusher:signin_success"))
        self.assertEqual(success, {"user_data": answer["user_data"]})
        client.subscribe(f"#server-to-user-{user}", auth="")
        self.server.send_to_user(user, "note", {"n": 1})
        self.assertEqual(json.loads(client.next("note", f"#server-to-user-{user}")), {"n": 1})

    # contract: 6.9, 6.10
    def test_a_watchlist_tells_who_is_online(self):
        ann, bob = unique("ann-"), unique("bob-")
        watcher, watched = Client(self).connect(), Client(self).connect()
        self.sign_in(watcher, {"id": ann, "watchlist": [bob]})
        events = lambda: json.loads(watcher.next("watchlist"))["events"]
        self.assertEqual(events(), [{"name": "offline", "user_ids": [bob]}])
        self.sign_in(watched, {"id": bob})
        self.assertEqual(events(), [{"name": "online", "user_ids": [bob]}])
        watched.disconnect()
        self.assertEqual(events(), [{"name": "offline", "user_ids": [bob]}])

    # contract: 11.1, 11.4, 11.5
    def test_terminating_a_user_closes_its_connection_for_good(self):
        client = Client(self).connect()
        user = unique("user-")
        self.sign_in(client, {"id": user})
        client.next("pusher:signin_success")
        self.assertEqual(self.server.terminate_user_connections(user), {})
        client.sdk.connection.join(60)
        self.assertFalse(client.sdk.connection.is_alive())
