set -eu
test "$(sh serve.sh /green)" = "200 2.40"
test "$(sh serve.sh /coffee)" = "404"
echo "api: 2 tests passed"
