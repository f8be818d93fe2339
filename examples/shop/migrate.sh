#!/bin/sh
# Migrate: brings the data folder up to date, and is done. A one-shot: exit 0 is its readiness.
set -eu

version=1
mkdir -p "$SHOP_DATA"
if [ "$(cat "$SHOP_DATA/version" 2>/dev/null)" = "$version" ]; then
    echo "migrate: $SHOP_DATA is at version $version already"
    exit 0
fi

# Written beside and then renamed, so that nobody ever reads half a file.
cat >"$SHOP_DATA/stock.json.new" <<'END'
{"tulip": 120, "rose": 40, "fern": 12, "orchid": 3}
END
mv "$SHOP_DATA/stock.json.new" "$SHOP_DATA/stock.json"
echo "$version" >"$SHOP_DATA/version"
echo "migrate: $SHOP_DATA is now at version $version"
