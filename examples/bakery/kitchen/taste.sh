# taste.sh TASTER CAKE: takes a bite and says what it was like; fails if there is no cake to like.
set -eu
test "$(wc -l < "$2")" -ge 8
case "$1" in
  baker) echo "baker: baked through, and the icing holds" ;;
  critic) echo "critic: I have had worse" ;;
  child) echo "child: more!" ;;
  *) echo "$1 was not invited"; exit 1 ;;
esac
