# What a subscriber sees and can do.

plan-title = Your subscription
plan-none = You have no subscription.
plan-do-subscribe = See what we offer
plan-status = { $status ->
    [incomplete] waits for you
    [trialing] free trial
    [active] active
    [canceling] canceled, still open
    [past_due] payment failed
    [paused] paused
    [canceled] ended
   *[expired] ended
}
plan-lead-incomplete = Your payment is not confirmed yet.
plan-lead-trial = Your free trial runs until { $date }.
plan-lead-trial-canceled = It is canceled. You go on reading free until { $date }, and nothing is charged.
plan-lead-active = You have paid until { $date }. Then it goes on by itself.
plan-lead-canceled = It is canceled. You go on reading until { $date }, and nothing more is charged.
plan-lead-switch = You have paid until { $date }. From then on your plan is { $plan }.
plan-lead-past-due = We could not charge your card. You go on reading until { $date }.
plan-lead-paused = It is paused: nothing is charged, and articles are metered again.
plan-lead-ended = It ended on { $date }.
plan-lead-ended-unpaid = It ended on { $date }, because it was not paid.
plan-lead-ended-withdrawn = You withdrew on { $date }. What you had paid goes back the way it came.
plan-alert-confirm = Your bank wants you to confirm a payment.
plan-alert-past-due = Please pay by another card, or see to it that this one works.
plan-retry-none = We do not try this card again.
plan-retry = We try this card again on { $date }.
plan-alert-waits = No card is known, so nothing will be charged, and after the trial the subscription waits. Add a card to go on.
plan-alert-add-card = Your trial is over. Add a card to go on reading.
plan-alert-other-card = Your trial is over, and your card did not pay. Use another one to go on reading.
plan-alert-no-card = No card is known, so nothing will be charged and the trial just ends. Add a card to go on.
plan-price = Price
plan-next-charge = Next charge
plan-next-charge-value = { $amount } on { $date }
plan-next-charge-none = none
plan-trial-end = The free trial ends
plan-card = Card
plan-card-value = •••• { $last4 }, valid until { $expires }
plan-card-none = none
plan-do-switch = Change the plan
plan-do-card = Use another card
plan-do-resume = Take the cancellation back
plan-do-go-on = Go on and pay { $price }
plan-do-keep = Keep the plan of today
plan-do-cancel = Cancel
plan-complimentary = You read with our compliments until { $date }.

plan-invoices = Invoices
plan-invoice-day = Date
plan-invoice-number = Number
plan-invoice-total = Total
plan-invoice-print = To print
plan-invoice = Invoice
plan-receipt = Receipt
plan-invoice-status = { $status ->
    [paid] paid
    [void] void
   *[open] to be paid
}

plan-cancel-title = Cancel the subscription
plan-cancel-what = { $plan }: you go on reading until { $date }. Nothing more is charged.
plan-cancel-button = Cancel now
plan-cancel-instead = Or change to { $plan } and save { $amount } a year
plan-cancel-stay = Back to the account
plan-cancel-nothing-title = Nothing to cancel
plan-cancel-nothing = No subscription of yours is running, so nothing will be charged.
plan-withdraw-title = At once, with your money back
plan-withdraw-what = Until { $date } you may withdraw without giving a reason. Reading ends at once, and we give back what you have paid.
plan-withdraw-button = Withdraw at once
plan-canceled-title = It is canceled
plan-canceled-lead = You go on reading until { $date }. Nothing more is charged. We have sent you a mail that says so.
plan-canceled-lead-now = It has ended, and nothing more is charged. We have sent you a mail that says so.
plan-reason-title = Would you tell us why?
plan-reason = Reason
plan-reason-button = Send
plan-thanks-title = Thank you
plan-thanks = We read every answer.

plan-switch-title = Change the plan
plan-switch-lead = Your plan is { $plan }. This is what would change, to the cent and to the second.
plan-switch-from = Begins
plan-switch-credit = Given back of what you have paid
plan-switch-charge = To pay now
plan-switch-until = Then the next charge is on
plan-switch-button = Change to { $plan }
plan-switch-pay = Change to { $plan } and pay { $amount }
plan-switch-stay = Leave it as it is
plan-switch-stale = Something has changed since this page was opened. These are the figures of now.

plan-card-title = Use another card
plan-card-add = Add a card
plan-card-lead = You pay by { $card }.
plan-card-did-not-pay = Your card did not pay: { $card }.
plan-card-none-yet = No card is known yet.
plan-card-what = From now on we charge this card.
plan-card-overdue = We charge what is overdue at once, and this card from now on.
plan-card-button = Save the card
plan-card-pay = Save the card and pay
plan-card-declined = This card was declined. Try another one.
plan-card-changed = From now on we charge this card.

plan-resume-title = Take the cancellation back
plan-resume-renews = If you take it back, it renews by itself once more: { $rate }, next on { $date }, until you cancel.
plan-resumed = Your subscription goes on.
plan-done-title = Done
plan-nothing-to-do-title = Nothing to do
plan-nothing-to-do = This was done already, or the subscription has ended. Your account shows how it stands.
plan-link-over-title = This link is over
plan-link-over = It is too old, or not whole. Your account does the same, and so does the page that cancels without logging in.
plan-problem-title = That cannot be done now
plan-problem-gone = There is no such subscription in your account.
plan-problem-state = The subscription has changed meanwhile. Your account shows how it stands.
plan-problem-pending = A payment is being made. Try again in a moment.
plan-problem-declined = Your card was declined. Nothing has changed.
plan-problem-unavailable = Payments cannot be made at this moment. Nothing has changed; try again in a few minutes.

plan-notice-title = Cancel a contract
plan-notice-description = Cancel your subscription here, without logging in.
plan-notice-lead = No need to log in. Your subscription ends with the period that you have paid, and you get a mail at once that says when.
plan-notice-reason-hint = If you like. Needed only if you cancel for a special reason.
plan-notice-button = Cancel now
plan-notice-received-title = Your notice has arrived
plan-notice-received = It arrived on { $date }. We have written to { $email }: the mail says which subscription ends, and when. Keep it, or print this page.
