"""Catalogue: the smallest plugin there can be. It starts well, and tells when it is destroyed."""

import json
import os
import socket


def verb(name, params):
    if name == "init":
        return {"contract": 1, "verbs": ["destroy"]}
    if name == "destroy":
        print(f"destroyed: {params['reason']}", flush=True)


channel = socket.socket(fileno=int(os.environ["HOTHOUSE_FD"]))
for line in channel.makefile(encoding="utf-8"):
    message = json.loads(line)
    if "id" in message:
        result = verb(message["method"], message["params"])
        reply = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        channel.sendall(json.dumps(reply).encode() + b"\n")
