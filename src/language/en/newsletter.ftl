# Newsletters: signing up without an account, preferences, leaving.

newsletter-title = Newsletters
newsletter-description = Our daily and weekly newsletters: sign up with your address, leave with one click.
newsletter-lead = Choose what we send you. You need no account, and every mail has a link to leave.
newsletter-none = There are no newsletters at the moment.
newsletter-daily = Every day
newsletter-weekly = Every week
newsletter-for-subscribers = For subscribers: sent while your subscription runs.
newsletter-email = Email address
newsletter-email-invalid = We cannot write to this address. It should look like name@example.org.
newsletter-consent = Send me the newsletters that I chose. I can leave each one at any time, by the link in every mail.
newsletter-sign-up = Sign up
newsletter-choose-one = Choose at least one newsletter.
newsletter-unknown = One of these newsletters is not there any more. Choose again.

newsletter-sent-title = Look into your mail
newsletter-sent-lead = We have sent you a mail. Your newsletters begin with the link in it; until then nothing is sent. If there is none in a few minutes, look among the unwanted mails, or try again.

newsletter-confirm-title = One click more
newsletter-confirm-lead = Then we send you: { $newsletters }.
newsletter-confirm = Yes, send them to me
newsletter-confirmed-title = You’re signed up
newsletter-confirmed-lead = From now on we send you: { $newsletters }.
newsletter-before-title = You had answered already
newsletter-before-lead = This link does its work once, and has. Nothing was changed.
newsletter-link-over-title = This link does not work
newsletter-link-over-lead = It is too old, or a part of it is missing. Open the whole link in the mail, or sign up again.
newsletter-to-sign-up = See all newsletters
newsletter-to-preferences = Change what we send you

newsletter-preferences-title = Your newsletters
newsletter-preferences-lead = This is what we send to { $address }. Untick what you do not want any more.
newsletter-save = Save
newsletter-leave-all = Leave them all
newsletter-saved = Saved.
newsletter-asked = What you left is not sent any more. What is new begins with the link in the mail that we have just sent you.

newsletter-leave-title = Leave { $newsletter }?
newsletter-leave-lead = One click, and it is not sent to you any more.
newsletter-leave = Leave this newsletter
newsletter-left-title = You have left { $newsletter }
newsletter-left-lead = It is not sent to you any more. Perhaps you would rather receive another one?
newsletter-gone = this newsletter
newsletter-to-account = Your account
newsletter-account-title = Newsletters
newsletter-account-receives = You receive { $newsletters }.
newsletter-account-none = You receive none.
newsletter-account-change = Choose newsletters
