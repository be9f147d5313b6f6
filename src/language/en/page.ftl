# The pages before the account: signing up, logging in, links from mails, and what cannot be.

page-title-error = Error:
page-log-in = Log in
page-log-out = Log out
page-navigation = Account
page-problems = Something is not right yet:
page-optional = (optional)
page-new-link = Ask for a new link

page-field-email = Email address
page-field-password = Password
page-field-new-password = New password
page-field-password-hint = At least 8 characters. A few words that do not belong together are good.

page-sign-up-title = Make an account
page-sign-up-description = Make an account with your email address and a password. It takes one mail and no more.
page-sign-up-lead = We send you a mail; your account is there as soon as you answer it.
page-sign-up-log-in = I have an account: log in

page-mail-sent-title = Look into your mail
page-mail-sent-lead = We have sent you a mail. The link in it goes on from here. If there is none in a few minutes, look among the unwanted mails, or try again.

page-confirm-title = One click more
page-confirm-lead = Then your account is there and you are logged in.
page-confirm-button = Confirm my address
page-confirm-password-hint = Choose one here if you like: at least 8 characters. Without a password you log in by a link in a mail.

page-log-in-description = Log in to your account with your password, or by a link that we mail to you.
page-log-in-again = It has been a while. Log in once more, and you go on from there.
page-by-mail-heading = Without a password
page-by-mail-text = We send you a mail with a link that logs you in.
page-by-mail-button = Send me a link
page-by-link-lead = One click more, and you are logged in here.

page-reset-title = Set a new password
page-reset-description = Have you forgotten your password? We mail you a link that lets you set a new one.
page-reset-lead = We send you a mail with a link for it.
page-reset-button = Send me the link
page-reset-set-lead = Every device is logged out by it.
page-reset-set-button = Set the password

page-refused-title = That did not work
page-refused-email = Enter a whole address, such as name@example.org, of at most 254 characters.
page-refused-lookalike = We do not accept this domain: it mixes scripts or looks like another one.
page-refused-short = The password must have at least { $least } characters.
page-refused-long = The password must have at most { $most } characters.
page-refused-common = The password is too common: it is known from other sites, easily guessed, or made from your address or our name. Take something longer or less usual.
page-refused-credentials = That address and password do not go together. Try again, or have a link sent to you.
page-refused-link = This link was used already or is too old. Ask for a new one.
page-refused-password = This is not your password.
page-refused-old-login = It has been a while since you logged in. Log out and in again, then do this.
page-refused-often = That was tried too often. Wait { $minutes ->
    [one] a minute
   *[other] { $minutes } minutes
  }, then try again.
page-refused-or-by-mail = Or have a link sent to you by mail.
page-refused-foreign = This form was sent from another website, so nothing was done.
page-refused-no-cookies = Your browser keeps no cookies from us, and without one we cannot tell that a form comes from you. Nothing was done. Allow cookies for this site, open the page again and send it once more.
page-refused-stale = This form was open for too long, or you have logged in or out since, in another tab perhaps. Nothing was done. Open the page again and send it once more.
page-refused-unreadable = This form could not be read. Nothing was done.
page-refused-characters = What came in “{ $field }” holds a character that cannot be shown, such as a tab. Nothing was done. Go back, type it anew and send the form again.
page-refused-busy = There is too much to do at this moment. Nothing was done; try again in a few seconds.
page-refused-late = This took too long. If you have sent a form, look whether it was done before you send it again.
page-refused-gone = This account is gone.
page-refused-ours = Something went wrong on our side. Try again in a while.
page-refused-address = This address is not whole. Open the link in the mail once more.
page-refused-again = Try again
page-missing-title = There is no such page
page-missing-lead = The address may have lost a letter on its way here, or the page is gone.
page-foot-cancel = Cancel a contract
page-foot-newsletters = Newsletters
page-skip = Skip to the page

page-gift-title = A gift for you
page-gift-lead = Read as our guest, free of charge. With one click the days begin, and the address that this was sent to has an account. You read once you have logged in.
page-gift-days = For so many days
page-gift-until = To be accepted before
page-gift-button = Accept the gift
page-gift-accepted-title = The days have begun
page-gift-accepted = The gift belongs to the address that it was sent to. Log in with that address to read.
page-gift-accepted-link = The gift belongs to the address that it was sent to. We have just mailed a link there that logs you in; it works for 15 minutes.
page-gift-over = This gift was accepted already, or is over. If you accepted it, log in with the address that it was sent to.
