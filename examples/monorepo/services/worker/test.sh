set -eu
test "$(printf '3\n4\n' | sh work.sh)" = 7
test "$(sh work.sh < /dev/null)" = 0
echo "worker: 2 tests passed"
