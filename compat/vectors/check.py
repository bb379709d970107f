"""Recomputes every vector of a file with nothing but hashlib and fails on the first that differs."""

import hashlib
import hmac
import json
import sys


def string_to_sign(vector):
    if vector["kind"] == "request":
        body_md5 = vector["query"].get("body_md5")
        if body_md5 is not None:
            assert body_md5 == hashlib.md5(vector["body"].encode()).hexdigest(), vector
        else:
            assert vector["body"] == "", vector
        pairs = []
        for name, value in sorted(vector["query"].items()):
            pairs += [f"{name}={one}" for one in (value if isinstance(value, list) else [value])]
        return "\n".join([vector["method"], vector["path"], "&".join(pairs)])
    if vector["kind"] == "channel":
        parts = [vector["socket_id"], vector["channel"]]
        return ":".join(parts + ([vector["channel_data"]] if "channel_data" in vector else []))
    if vector["kind"] == "user":
        return f'{vector["socket_id"]}::user::{vector["user_data"]}'
    assert vector["kind"] == "webhook", vector
    return vector["body"]


def main():
    vectors = json.load(sys.stdin)
    for vector in vectors:
        digest = hmac.new(vector["secret"].encode(), string_to_sign(vector).encode(), hashlib.sha256)
        assert digest.hexdigest() == vector["signature"], vector
    kinds = [vector["kind"] for vector in vectors]
    assert {"request", "channel", "user", "webhook"} <= set(kinds), "a kind is missing"
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
    print(f"{len(vectors)} vectors hold: {counts}", file=sys.stderr)


main()
