# Pieces that several areas need.

common-moment = { $day } à { $time } { $zone }
common-list = { $first } et { $last }
