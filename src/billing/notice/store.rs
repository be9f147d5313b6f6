//! What was due, what was sent, and with which text.
