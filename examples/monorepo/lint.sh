# lint.sh SCRIPTS: each must be one that the shell understands.
set -eu
for script in "$@"; do
  sh -n "$script"
done
echo "$# scripts are fine"
