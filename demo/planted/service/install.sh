# Installs the packages that a lock file names, each by its own script.
set -eu
mkdir -p lib
while read -r name version; do
  sh "/vendor/$name-$version/install.sh" "lib/$name"
done <"$1"
