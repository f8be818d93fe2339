"""The part that both plugins share: JSON-RPC over the socket in HOTHOUSE_FD, each call on a thread of its own."""

import itertools
import json
import os
import socket
import threading

channel = socket.socket(fileno=int(os.environ["HOTHOUSE_FD"]))
writing = threading.Lock()
numbers = itertools.count(1)
asked = {}


class Refused(Exception):
    """An error for the caller: a code for programs, a message for people, and whether it may go well later."""

    def __init__(self, code, message, retryable=False):
        super().__init__(message)
        self.code, self.retryable = code, retryable


def send(message):
    with writing:
        channel.sendall(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def call_other(plugin, method, payload, during):
    """Calls another plugin while answering `during`, and hands on its trace context and what is left of its time."""
    number, answered = next(numbers), threading.Event()
    asked[number] = [answered, None]
    params = {"plugin": plugin, "method": method, "payload": payload}
    params.update({key: during[key] for key in ("traceparent", "deadlineMs") if key in during})
    send({"id": number, "method": "host/call", "params": params})
    answered.wait()
    reply = asked.pop(number)[1]
    if "error" in reply:
        data = reply["error"].get("data", {})
        raise Refused(data.get("code", "FAILED"), reply["error"]["message"], data.get("retryable", False))
    return reply["result"]


def answer(question, verbs):
    reply = {"id": question["id"]}
    try:
        reply["result"] = verbs[question["method"]](question["params"])
    except Refused as refused:
        data = {"code": refused.code, "retryable": refused.retryable}
        reply["error"] = {"code": -32000, "message": str(refused), "data": data}
    except Exception as error:
        reply["error"] = {"code": -32603, "message": f"{type(error).__name__}: {error}"}
    send(reply)


def serve(methods):
    """Serves these methods, each with what the host shall know of it and the function that answers."""
    described = [{"name": name, **about} for name, (about, _) in methods.items()]
    verbs = {
        "init": lambda params: {"contract": 1, "methods": described, "verbs": []},
        "call": lambda params: methods[params["method"]][1](params),
    }
    for line in channel.makefile(encoding="utf-8"):
        message = json.loads(line)
        if "method" not in message:  # the answer to a call of ours
            asked[message["id"]][1] = message
            asked[message["id"]][0].set()
        elif "id" in message:  # what has none, such as `cancel`, wants no answer
            threading.Thread(target=answer, args=(message, verbs), daemon=True).start()
