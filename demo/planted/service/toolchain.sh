# Puts the compiler and its libraries into $1: 18 MiB that do not compress.
set -eu
mkdir -p "$1/bin" "$1/lib"
dd if=/dev/urandom of="$1/bin/gcc" bs=1M count=8 2>/dev/null
dd if=/dev/urandom of="$1/lib/libstdc++.a" bs=1M count=10 2>/dev/null
