# Adds up the orders on standard input.
total=0
while read -r order; do
  total=$((total + order))
done
echo "$total"
