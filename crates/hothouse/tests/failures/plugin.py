#!/usr/bin/python3 -IS
"""A plugin that goes wrong in one way: `plugin.py WAY`. Its channel is descriptor 3."""
import json
import signal
import socket
import sys

WAY = sys.argv[1]
CHANNEL = socket.socket(fileno=3)
LINES = CHANNEL.makefile("rb")


def next_message():
    line = LINES.readline()
    if not line:
        if WAY == "deaf":
            while True:
                signal.pause()
        sys.exit(0)
    return json.loads(line)


def write(data):
    CHANNEL.sendall(data)


def answer(message, **outcome):
    write(json.dumps({"jsonrpc": "2.0", "id": message["id"], **outcome}).encode() + b"\n")


def refuse(message, code, text):
    answer(message, error={"code": -32000, "message": text, "data": {"code": code}})


def init(message):
    if WAY == "panics":
        raise RuntimeError("no such table: articles")
    if WAY == "out-of-memory":
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (200 << 20, 200 << 20))
        bytearray(1 << 30)
    if WAY == "garbage":
        write(b"Welcome to worker 2.1!\n")
        print("cannot load settings", file=sys.stderr)
        sys.exit(7)
    if WAY == "talks-otherwise":
        write(b"Welcome to worker 2.1!\n")
        return
    if WAY == "half-a-line":
        write(b'{"jsonrpc":"2.0","id":1,"result":{"meth')
        return
    if WAY == "long-line":
        write(b"x" * 5000 + b"\n")
        return
    if WAY == "refuses-init":
        return refuse(message, "NO_LICENCE", "the licence ended yesterday")
    description = {"methods": ["echo", "slow", "fail", "tell"], "verbs": ["start", "health", "destroy"]}
    if WAY == "other-contract":
        description["contract"] = 9
    if WAY == "no-description":
        description = ["echo"]
    answer(message, result=description)


def call(message):
    params = message["params"]
    if params["method"] == "fail":
        return refuse(message, "OUT_OF_STOCK", "only 2 tulips are left")
    if params["method"] == "tell":
        return refuse(message, "LEAKY", f"cannot log in with {params['payload']}")
    if params["method"] == "echo":
        answer(message, result=params["payload"])
    # `slow` is never answered.


def health(message):
    if WAY == "unhealthy":
        return answer(message, result={"healthy": False, "message": "replication is 4 h behind"})
    answer(message, result=True)


if WAY == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    message = next_message()
    verb = message["method"]
    if WAY == f"silent-in-{verb}" or WAY == "deaf" and verb == "destroy":
        if verb == "start":
            print("waiting for the moon", file=sys.stderr, flush=True)
        continue
    if verb == "cancel":
        continue
    {"init": init, "call": call, "health": health}.get(verb, lambda m: answer(m, result=None))(message)
