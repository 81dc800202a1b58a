# Reads "amount what" lines and prints a receipt.
set -eu
total=0
while read -r amount what; do
  printf '%6d  %s\n' "$amount" "$what"
  total=$((total + amount))
done
printf '%6d  total\n' "$total"
