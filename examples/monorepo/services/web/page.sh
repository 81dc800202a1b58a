# Prints the page for a visitor.
echo "<h1>Hello, ${1:-stranger}</h1>"
