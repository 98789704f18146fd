#!/bin/sh
# What nginx serves in this image: the page, its scripts compressed before, and how long to keep them.
set -eu
nginx -g "daemon off;" &
server=$!
trap 'kill $server' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10; do
    healthy >/dev/null 2>&1 && break
    sleep 0.2
done

# expect WORDS PATH [HEADER]: the answer's header has these words.
expect() {
    answer=$(healthy "$2" "${3:-Accept: */*}" 2>&1)
    if ! echo "$answer" | grep -iq "$1"; then
        printf '%s has no "%s":\n%s\n' "$2" "$1" "$answer" >&2
        exit 1
    fi
    echo "ok: $2: $1"
}

html=/usr/share/nginx/html
script=$(cd "$html" && find assets -name '*.js' | head -n 1)
expect "200 OK" /healthz
expect "content-type: text/html" /
expect "cache-control: no-cache" /
expect "content-type: text/html" /a/route
expect "content-encoding: br" "/$script" "Accept-Encoding: gzip, br"
expect "content-encoding: gzip" "/$script" "Accept-Encoding: gzip"
expect "immutable" "/$script"
expect "content-type: text/javascript" "/$script"
for plain in $(find "$html" -name '*.js' -o -name '*.css' -o -name '*.html'); do
    test -s "$plain.gz" && test -s "$plain.br"
done
echo "ok: every text has its compressed forms"
