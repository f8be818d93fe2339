"""Inventory: how many of each article the shop has.

A plugin in plain Python, without any library. The host speaks JSON-RPC to it, one object per line, over the socket
whose number is in HOTHOUSE_FD. What it prints goes to its log. Changes are kept in memory only.
"""

import json
import os
import socket


class Refused(Exception):
    """An error for the caller: a code for programs, a message for people."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Inventory:
    def init(self, params):
        self.file = os.path.join(params["config"]["data"], "stock.json")
        methods = [{"name": "get", "readonly": True}, {"name": "list", "readonly": True}, "put"]
        return {"contract": 1, "methods": methods, "verbs": ["start", "health", "destroy"]}

    def start(self, params):
        with open(self.file, encoding="utf-8") as file:
            self.stock = json.load(file)

    def health(self, params):
        return {"healthy": bool(self.stock), "details": {"articles": len(self.stock)}}

    def destroy(self, params):
        print(f"inventory: closing, because {params['reason']}", flush=True)

    def call(self, params):
        methods = {"get": self.get, "list": lambda _: self.stock, "put": self.put}
        return methods[params["method"]](params["payload"])

    def get(self, wanted):
        if wanted["article"] not in self.stock:
            raise Refused("UNKNOWN_ARTICLE", f"there is no article `{wanted['article']}`")
        return self.stock[wanted["article"]]

    def put(self, change):
        """Adds `count`, which is negative for what is taken out."""
        count = self.get(change) + change["count"]
        if count < 0:
            raise Refused("OUT_OF_STOCK", f"only {self.get(change)} of `{change['article']}` are left")
        self.stock[change["article"]] = count
        return count


def answer(plugin, message):
    try:
        return {"result": getattr(plugin, message["method"])(message["params"])}
    except Refused as error:
        return {"error": {"code": -32000, "message": str(error), "data": {"code": error.code}}}
    except Exception as error:
        return {"error": {"code": -32603, "message": f"{type(error).__name__}: {error}"}}


channel = socket.socket(fileno=int(os.environ["HOTHOUSE_FD"]))
plugin = Inventory()
for line in channel.makefile(encoding="utf-8"):
    message = json.loads(line)
    if "id" in message:  # what has none, such as `cancel`, expects no answer
        reply = {"jsonrpc": "2.0", "id": message["id"], **answer(plugin, message)}
        channel.sendall(json.dumps(reply).encode() + b"\n")
