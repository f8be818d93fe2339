"""The ledger: knows what everybody has. Some of its methods are there to show what becomes of calls."""

import os
import threading

from plugin import Refused, call_other, serve

BALANCES = {"ada": 300, "grace": 1200}


def balance(call):
    account = call["payload"]["account"]
    if account not in BALANCES:
        raise Refused("UNKNOWN_ACCOUNT", f"there is no account `{account}`")
    return BALANCES[account]


def hold(call):
    """Takes until the end of its time."""
    print("ledger: holding", flush=True)
    threading.Event().wait()


def die(call):
    os._exit(3)


def audit(call):
    return call_other("front", "sign", call["payload"], call)


serve({
    "balance": ({"readonly": True, "cacheable": True, "idempotent": True}, balance),
    "hold": ({}, hold),
    "die": ({}, die),
    "audit": ({}, audit),
})
