# mix.sh RECIPE BOWL: weighs the recipe's ingredients into a bowl.
set -eu
total=0
while read -r grams ingredient; do
  echo "adding $grams g of $ingredient"
  total=$((total + grams))
done < "$1"
echo "$total" > "$2"
echo "$2 holds $total g"
