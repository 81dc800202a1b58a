# draw.sh FLAVOUR GRAMS: what came out of the oven.
set -eu
cat <<CAKE
        i   i   i
    .-~~|~~~|~~~|~~-.
    |~-~-~-~-~-~-~-~|
    |   *   *   *   |
    |  *   *   *   *|
  __|_______________|__
  \___________________/
  $1 cake, $2 g
CAKE
