# Mails about accounts. The subjects hold no variables.

letter-account-confirm-subject = Confirm your address
letter-account-confirm = Somebody, hopefully you, asked for an account with this address and chose a password.
letter-account-confirm-do = Confirm and log in
letter-account-confirm-not-you = If it was not you, do nothing: without it there is no account.

letter-account-exists-subject = You already have an account
letter-account-exists = Somebody, hopefully you, asked for an account with this address. There is one already, so here is a way into it.

letter-account-log-in-subject = Your link to log in
letter-account-log-in = Here is the link you asked for.
letter-account-log-in-do = Log in
letter-account-log-in-not-you = If you did not ask for it, do nothing.

letter-account-go-on-subject = Go on subscribing
letter-account-go-on = Somebody, hopefully you, wants to subscribe with this address. It has an account already, so log in by this link, and go on where you were.
letter-account-go-on-do = Log in and go on
letter-account-go-on-not-you = If it was not you, do nothing: nothing was ordered.

letter-account-trial-subject = The free trial was used already
letter-account-trial = Somebody, hopefully you, wants to begin a free trial with this address. It has had the trial already. You can subscribe without one.
letter-account-trial-do = See the offer

letter-account-open-subject = Open your account
letter-account-open = You have subscribed with this address. One click says that it is yours; then you can read on every device, see your receipts, and cancel whenever you like.
letter-account-open-do = Open my account
letter-account-open-not-you = If it was not you, do nothing. Nobody can log in without this mail.

letter-account-none-subject = There is no account with this address
letter-account-none = Somebody, hopefully you, tried to log in with this address, but it has no account. Perhaps yours is with another address; or make one.
letter-account-none-do = Make an account

letter-account-reset-subject = Set a new password
letter-account-reset = Here is the link to set a new password.
letter-account-reset-do = Set a new password

letter-account-password-subject = Your password was changed
letter-account-password = It was changed on { $at }. Every device was logged out.
letter-account-password-not-you = If it was not you, set a new password at once: the login page sends you a link.

letter-account-move-subject = Shall we write to another address?
letter-account-move = Somebody who is logged in to your account asked us to write to { $address } from now on. We do so when both addresses have agreed.
letter-account-move-not-you = If it was not you, do not agree, and change your password.

letter-account-staff-move-subject = Your address is about to change
letter-account-staff-move = You, or somebody in your name, asked our staff to write to { $address } from now on. We do so once that address has answered our mail.
letter-account-object = No, leave it as it is
letter-account-staff-move-not-you = If you asked for it, there is nothing to do. If you did not, say no now, and change your password.

letter-account-new-address-subject = Shall we write to this address?
letter-account-new-address = Somebody, hopefully you, asked us to use this address for their account.

letter-account-taken-subject = This address has an account already
letter-account-taken = Somebody, hopefully you, asked us to use this address for another account. It has one of its own, so we cannot.

letter-account-moved-subject = Your address was changed
letter-account-moved = From now on we write to your other address.
letter-account-moved-not-you = If it was not you, tell us at once.

letter-account-reused-subject = We logged a device out
letter-account-reused = On { $at } somebody used a copy of the key that kept this device logged in: { $device }. So we logged it out.
letter-account-reused-do = Log in again. If your account lists devices that you do not know, change your password.

letter-account-erased-subject = Your account was erased
letter-account-erased = It was erased on { $at }, with everything that we held about you. Only what the law makes us keep about payments stays, without your name.
letter-account-erased-last = This is the last mail about it.

letter-account-agree = Agree
letter-account-once = The link works once, within 15 minutes.
letter-account-day = The link works once, within 24 hours.
letter-account-not-you = If it was not you, do nothing.
letter-account-as-it-was = If it was not you, do nothing: your account is as it was.

letter-account-notice-subject = Your notice has arrived
letter-account-notice = Your notice arrived on { $at }. With this address nothing runs that does not end already, so there is nothing to cancel, and nothing will be charged.
letter-account-notice-elsewhere = If you subscribe with another address, give notice with that one. Whatever was canceled before stays canceled.

letter-account-guest-over-subject = Your time as our guest is over
letter-account-guest-over = You read as our guest, free of charge. That ended on { $at }.
letter-account-guest-over-nothing = A subscription of yours goes on as before. There is nothing to pay and nothing to do.

letter-account-gift-subject = A gift for you
letter-account-gift = You may read as our guest, free of charge. One click accepts it: it makes an account with this address, and the days begin.
letter-account-gift-product = What
letter-account-gift-days = For so many days
letter-account-gift-until = To be accepted before
letter-account-gift-do = Accept the gift
letter-account-gift-nothing = There is nothing to pay and nothing to cancel: it ends by itself. If you do not want it, do nothing, and we forget your address.
