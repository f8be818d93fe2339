"""A plugin with a method of every kind. It says what it is told of its mode."""

import itertools
import json
import os
import socket

channel = socket.socket(fileno=int(os.environ["HOTHOUSE_FD"]))
lines = channel.makefile(encoding="utf-8")
numbers = itertools.count(1)
described = [
    {"name": "write"},
    {"name": "read", "readonly": True},
    {"name": "price", "cacheable": True},
    {"name": "ping", "essential": True},
    {"name": "find", "feature": "search"},
    {"name": "post", "feature": "mail"},
    {"name": "ask"},
    {"name": "die"},
]


def send(message):
    channel.sendall(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def ask(payload):
    """Calls `db`, and gives the code of the error if that fails."""
    send({"id": next(numbers), "method": "host/call", "params": {"plugin": "db", "method": "read", "payload": None}})
    for line in lines:  # what is asked of us meanwhile waits
        message = json.loads(line)
        if "method" not in message:
            return message["error"]["data"]["code"] if "error" in message else message["result"]


def call(params):
    if params["method"] == "die":
        os._exit(3)
    return ask(params["payload"]) if params["method"] == "ask" else params["method"]


def mode(params):
    print("told:", params["mode"], flush=True)


verbs = {
    "init": lambda params: {"contract": 1, "verbs": ["mode", "health"], "methods": described},
    "call": call,
    "health": lambda params: True,
    "mode": mode,
}
for line in lines:
    question = json.loads(line)
    if "method" not in question:
        continue
    result = verbs[question["method"]](question.get("params")) if question["method"] in verbs else None
    if "id" in question:
        send({"id": question["id"], "result": result})
