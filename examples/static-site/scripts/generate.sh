# generate.sh PAGES THEME OUT: writes OUT/<page>.html for each PAGES/<page>.html, dressed in the theme; a page's first
# line is its title.
set -eu
mkdir -p "$3"
for page in "$1"/*.html; do
  {
    read -r title
    echo "<!doctype html><title>$title</title>"
    cat "$2/head.html"
    echo "<h1>$title</h1>"
    cat
    cat "$2/foot.html"
    echo "<!-- revision ${REVISION:-unknown} -->"
  } < "$page" > "$3/${page##*/}"
  echo "${page##*/}"
done
