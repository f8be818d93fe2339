"""A plugin: one JSON object per line, over the socket that the host hands down as an open descriptor."""

import json
import os
import socket

config = {}


def init(params):
    config.update(params["config"])
    return {"contract": 1, "methods": ["greet"], "verbs": ["start", "health", "destroy"]}


def start(params):
    """The answer to this one says that the plugin is ready."""


def health(params):
    return True


def destroy(params):
    """The last question; the channel closes behind it."""


def call(params):
    if params["method"] == "greet":
        return f"{config['greeting']}, {params['payload']}!"


verbs = {"init": init, "start": start, "call": call, "health": health, "destroy": destroy}
channel = socket.socket(fileno=int(os.environ["HOTHOUSE_FD"]))
for line in channel.makefile(encoding="utf-8"):
    question = json.loads(line)
    if "id" not in question:  # what has none, such as `cancel`, wants no answer
        continue
    reply = {"jsonrpc": "2.0", "id": question["id"]}
    try:
        reply["result"] = verbs[question["method"]](question["params"])
    except Exception as error:
        reply["error"] = {"code": -32000, "message": str(error), "data": {"code": type(error).__name__}}
    channel.sendall(json.dumps(reply).encode() + b"\n")
