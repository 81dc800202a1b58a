# box.sh CAKE: puts the cake into a box with a LABEL.
set -eu
echo "+---------------------------+"
while IFS= read -r line; do
  printf '|  %-24s |\n' "$line"
done < "$1"
echo "+---------------------------+"
echo "   $LABEL"
