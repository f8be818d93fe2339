#!/bin/sh
# Packer: packs what was ordered. A plain program; a byte on descriptor 3 says that it is ready.
# Stopping it signals its whole process group, so `tail` needs no care of its own.
set -eu

echo . >&3
exec 3>&-

tail -n +1 -F "$SHOP_DATA/orders.log" | while read -r order; do
    echo "packer: packed $order"
done
