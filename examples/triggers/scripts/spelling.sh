# spelling.sh FILES: finds words that are often misspelled, lists them in `spelling.txt`, and prints how many there are.
set -eu
mistakes=0
: > spelling.txt
for file in "$@"; do
  test "$VERBOSITY" = quiet || echo "reading $file" >&2
  while read -r line; do
    for word in $line; do
      case "$word" in
        recieve* | seperate* | occured*)
          mistakes=$((mistakes + 1))
          echo "$file: $word" >> spelling.txt
          ;;
      esac
    done
  done < "$file"
done
echo "mistakes: $mistakes" >> spelling.txt
echo "$mistakes"
