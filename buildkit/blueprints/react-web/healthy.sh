#!/bin/sh
# healthy [PATH] [HEADER]: print the header of what this container answers; fail unless it is 200.
# It takes the tool that the image has: curl, bash by itself, or wget.
set -eu
path=${1:-/healthz}
header=${2:-Accept: */*}
url=http://127.0.0.1:${PORT}${path}
if command -v curl >/dev/null; then
    exec curl --silent --show-error --fail --dump-header - --output /dev/null --header "$header" "$url"
fi
if command -v bash >/dev/null; then
    answer=$(bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$PORT"
        printf "GET %s HTTP/1.0\r\n%s\r\n\r\n" "$0" "$1" >&3
        sed "/^\r*$/q" <&3' "$path" "$header")
    echo "$answer"
    case $answer in "HTTP/1.1 200 "*) exit 0 ;; *) exit 1 ;; esac
fi
exec wget -S -O /dev/null --header "$header" "$url" 2>&1
