"""Discounts: how many percent a large order is cheaper.

A plugin in plain Python over stdin and stdout (`transport: stdio`), so it prints nothing but answers there.
"""

import json
import sys

config = {}


def init(params):
    config.update(params["config"])
    return {"contract": 1, "methods": [{"name": "percent", "readonly": True}], "verbs": []}


def call(params):
    return config["percent"] if params["payload"]["count"] >= config["fromCount"] else 0


verbs = {"init": init, "call": call}
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:  # what has none, such as `cancel`, expects no answer
        continue
    reply = {"jsonrpc": "2.0", "id": message["id"]}
    try:
        reply["result"] = verbs[message["method"]](message["params"])
    except Exception as error:
        reply["error"] = {"code": -32603, "message": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
