"""Payments: needs its bank, and says what is wrong when it cannot have it."""

import socket
import sys

BANK = "bank.sock"

bank = socket.socket(socket.AF_UNIX)
try:
    bank.connect(BANK)
except OSError as error:
    sys.exit(f"payments: cannot reach the bank at {BANK}: {error.strerror}")
