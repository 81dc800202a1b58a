set -eu
test "$(sh page.sh Acme)" = "<h1>Hello, Acme</h1>"
test "$(sh page.sh)" = "<h1>Hello, stranger</h1>"
echo "web: 2 tests passed"
