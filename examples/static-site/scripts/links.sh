# links.sh SITE: every href="…" without a scheme must name a file of the site.
set -eu
cd "$1"
broken=0
for page in *.html; do
  while IFS= read -r line; do
    case "$line" in
      *href=\"*)
        target=${line#*href=\"}
        target=${target%%\"*}
        case "$target" in
          *:*) ;;
          *) test -f "$target" || { echo "$page: no such page: $target"; broken=1; } ;;
        esac
        ;;
    esac
  done < "$page"
done
test "$broken" = 0
echo "all links lead somewhere"
