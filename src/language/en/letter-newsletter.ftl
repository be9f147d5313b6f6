# The mail that asks whether newsletters may be sent.

letter-newsletter-subject = Confirm your newsletters
letter-newsletter-asked = Somebody, hopefully you, asked us to send to this address: { $newsletters }. One click, and they are on their way.
letter-newsletter-confirm = Yes, send them to me
letter-newsletter-life =
    { $days ->
        [one] The link works for a day.
       *[other] The link works for { $days } days.
    }
letter-newsletter-not-you = If it was not you, do nothing: without it nothing is sent, and we forget this address.
