"""Greetings: knows how a greeting begins in a language. The process plugin of this example."""

import json
import os
import socket

GREETINGS = {"en": "Hello", "fr": "Bonjour", "ja": "こんにちは"}


def answer(verb, params):
    if verb == "init":
        return {"contract": 1, "methods": [{"name": "in", "readonly": True}], "verbs": []}
    return GREETINGS[params["payload"]]


channel = socket.socket(fileno=int(os.environ["HOTHOUSE_FD"]))
for line in channel.makefile(encoding="utf-8"):
    message = json.loads(line)
    if "id" in message:
        reply = {"jsonrpc": "2.0", "id": message["id"]}
        try:
            reply["result"] = answer(message["method"], message["params"])
        except Exception as error:
            reply["error"] = {"code": -32603, "message": f"{type(error).__name__}: {error}"}
        channel.sendall(json.dumps(reply).encode() + b"\n")
