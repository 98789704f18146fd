# codec 1.9: comes compiled.
echo "codec 1.9" >"$1"
