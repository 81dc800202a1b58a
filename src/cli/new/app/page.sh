# Writes the page to standard output.
cat <<PAGE
<!doctype html>
<title>Hello</title>
<h1>Hello, ${WHO}!</h1>
PAGE
