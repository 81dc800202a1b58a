set -eu
actual=$(printf '3 tea\n4 cake\n' | sh src/bootstrap)
expected='     3  tea
     4  cake
     7  total'
test "$actual" = "$expected"
echo "1 test passed"
