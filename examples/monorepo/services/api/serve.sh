# Answers one request: the path of a tea, its price.
case "${1:-/}" in
  /green) echo "200 2.40" ;;
  /black) echo "200 2.20" ;;
  *) echo "404" ;;
esac
