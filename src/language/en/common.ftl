# Pieces that several areas need.

common-moment = { $day } at { $time } { $zone }
common-list = { $first } and { $last }
