"""The front: asks the ledger for whoever asks it."""

from plugin import call_other, serve


def statement(call):
    balance = call_other("ledger", "balance", call["payload"], call)
    return f"{call['payload']['account']} has {balance}"


def audited(call):
    """A circle: the ledger asks `sign` of the front, whose only place is taken by this call."""
    return call_other("ledger", "audit", call["payload"], call)


serve({
    "statement": ({"readonly": True}, statement),
    "audited": ({}, audited),
    "sign": ({}, lambda call: "signed"),
})
