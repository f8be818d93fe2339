"""Counts calls. It can be told to die, to be sick, and to say by itself that it is."""

import json
import os
import socket

channel = socket.socket(fileno=int(os.environ["HOTHOUSE_FD"]))
state = {"count": 0, "sick": None}


def send(message):
    channel.sendall(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def count(payload):
    state["count"] += 1
    return state["count"]


def die(payload):
    os._exit(3)


def sicken(payload):
    """From now on every check fails with these words; null: it is well again."""
    state["sick"] = payload


def tell(payload):
    """Tells the host at once how it is, without waiting to be asked."""
    send({"method": "host/health", "params": health(None)})


def health(params):
    return {"healthy": state["sick"] is None, "message": state["sick"] or ""}


methods = {"count": count, "die": die, "sicken": sicken, "tell": tell}
verbs = {
    "init": lambda params: {"contract": 1, "verbs": ["health"], "methods": list(methods)},
    "call": lambda params: methods[params["method"]](params["payload"]),
    "health": health,
}
for line in channel.makefile(encoding="utf-8"):
    question = json.loads(line)
    if "id" in question:
        send({"id": question["id"], "result": verbs[question["method"]](question["params"])})
