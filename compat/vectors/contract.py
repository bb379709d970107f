"""The vectors printed in the contract (section 13), recomputed without any SDK. Prints JSON.

A full value that the contract prints is checked against what is computed here.
"""

import hashlib
import hmac
import json
import sys

KEY = "278d425bdf160c739803"
SECRET = "7ad3773142a6692b25b8"
VECTORS = []


def sign(text):
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def md5(body):
    return hashlib.md5(body.encode()).hexdigest()


def request(method, path, extra, body, printed):
    query = {"auth_key": KEY, "auth_timestamp": "1353088179", "auth_version": "1.0", **extra}
    pairs = []
    for name in sorted(query):
        values = query[name] if isinstance(query[name], list) else [query[name]]
        pairs += [f"{name}={value}" for value in values]
    signature = sign("\n".join([method, path, "&".join(pairs)]))
    assert signature == printed, (method, path, signature, printed)
    VECTORS.append({
        "kind": "request", "key": KEY, "secret": SECRET, "method": method, "path": path,
        "query": query, "body": body, "signature": signature,
    })


def channel(channel_name, channel_data, printed):
    text = ":".join(["1234.1234", channel_name] + ([] if channel_data is None else [channel_data]))
    assert sign(text) == printed, (text, sign(text), printed)
    vector = {"kind": "channel", "key": KEY, "secret": SECRET, "socket_id": "1234.1234", "channel": channel_name}
    if channel_data is not None:
        vector["channel_data"] = channel_data
    VECTORS.append({**vector, "signature": printed})


def user(user_data, printed):
    assert sign(f"1234.1234::user::{user_data}") == printed
    VECTORS.append({
        "kind": "user", "key": KEY, "secret": SECRET, "socket_id": "1234.1234",
        "user_data": user_data, "signature": printed,
    })


def webhook(body, printed):
    assert sign(body) == printed
    VECTORS.append({"kind": "webhook", "secret": SECRET, "body": body, "signature": printed})


PUBLISH = r'{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}'
assert md5(PUBLISH) == "ec365a775a4cd0599faeb73354201b6f"
assert md5("{}").startswith("99914b93") and md5("{}").endswith("e93b")

request("POST", "/apps/3/events", {"body_md5": md5(PUBLISH)}, PUBLISH,
        "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c")
request("GET", "/apps/3/channels",
        {"filter_by_prefix": "presence-", "info": "user_count,subscription_count"}, "",
        "ff97d40ab3fbbd15394386a29c12998c33635305357b2e2abd18dc67efe3f87d")
request("GET", "/apps/3/channels", {"filter_by_prefix": ""}, "",
        "9966966cc09d68afa360eaf576e53fe7b3159bd3491b6cc183cf895156c41b41")
request("GET", "/apps/3/channels", {"body_md5": md5("")}, "",
        "5c3cd75022c4f62c35ad22f6a9cce366c860477a3b7092ca790ecfc17e6af302")
request("POST", "/apps/3/events", {"channels[]": ["a", "b"], "data": "hi", "name": "foo"}, "",
        "e5eb61ded81528b1195e45298116eb500bb6dc221472bcf968a2a3eec9fc2635")
request("POST", "/apps/3/users/foo bar/terminate_connections", {"body_md5": md5("{}")}, "{}",
        "5c83a38fe1abb0416873b56339dcfdfac804da4e51c144815c95e3e7757d172d")
channel("private-foobar", None,
        "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4")
user('{"id":"12345"}',
     "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba")
channel("presence-foobar", '{"user_id":10,"user_info":{"name":"Mr. Channels"}}',
        "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80")
channel("presence-foobar", r'{"user_id": 10, "user_info": {"name": "Zo\u00eb"}}',
        "f7ac8707d800be2108458f230fcf96ed7cf19e857f433cd71dbf8a3d26a0b482")
channel("presence-foobar", '{"user_id":10,"user_info":{"name":"Zoë"}}',
        "d80de08110fe7a58e411dbc9068659aebaf6af66272a824cfd9a11178a01aa82")
webhook('{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"}]}',
        "c19001ae3963ccb13bf618e5b16ba9848e7e74df0993aa0689168e341c6833cf")

json.dump(VECTORS, sys.stdout, indent=2, ensure_ascii=False)
print()
