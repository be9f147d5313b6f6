# Mails about subscriptions. The subjects hold no variables. Whoever changes a text raises TEXTS in
# src/billing/letter/mod.rs.

letter-billing-plan = Plan
letter-billing-paid = Paid
letter-billing-invoice = Invoice
letter-billing-from = From
letter-billing-until = Until
letter-billing-since = Since
letter-billing-ended-at = Ended
letter-billing-amount = Amount
letter-billing-price = Price
letter-billing-next-charge = Next charge
letter-billing-first-charge = First charge
letter-billing-money-back = Money back
letter-billing-a-month = { $amount } a month
letter-billing-a-year = { $amount } a year
letter-billing-open-account = Open your account
letter-billing-cancel-do = Cancel in one click
letter-billing-card-do = Use another card
letter-billing-resume-do = Take it back

letter-billing-cancel = To cancel, open your account and choose "Cancel". You go on reading until the end of what you have paid, and nothing more is charged.
letter-billing-cancel-trial = To cancel, open your account and choose "Cancel" before the trial ends. You then pay nothing, and go on reading until its end.
letter-billing-again = You can subscribe again whenever you like.
letter-billing-nothing-to-do = To go on as before, there is nothing to do.

letter-billing-refund-none = none
letter-billing-refund-way = We send it the way it came. That is done within 14 days, and mostly within a few.

letter-billing-withdraw-until = You may withdraw until
letter-billing-withdraw = Up to then you may withdraw without giving a reason: open your account, choose "Cancel" and "At once". We then give back what you have paid, within 14 days.

letter-billing-trial-started-subject = Your free trial has started
letter-billing-trial-started = Welcome! Your free trial runs.
letter-billing-paid-today = Paid today
letter-billing-trial-ends = The free trial ends
letter-billing-price-after = Price after it
letter-billing-no-card = No card is known, so nothing is charged. To go on reading after that, add one.
letter-billing-no-card-do = Add a card

letter-billing-subscribed-subject = Your subscription has started: your receipt
letter-billing-subscribed = Welcome, and thank you! This is your receipt.

letter-billing-renewed-subject = Your subscription was renewed: your receipt
letter-billing-renewed = Your subscription goes on, and this is your receipt. Thank you!
letter-billing-renewed-canceled = It is canceled, so nothing more will be charged.

letter-billing-first-paid-subject = Your free trial has ended: your first receipt
letter-billing-first-paid = Your free trial is over, and this is the receipt of your first payment. Thank you!

letter-billing-trial-ending-subject = Your free trial ends soon
letter-billing-trial-ending = Your free trial comes to its end.

letter-billing-renewal-subject = Your subscription renews soon
letter-billing-renewal = Your subscription will renew by itself, unless you cancel it before.
letter-billing-renewal-at = Renews, and is charged
letter-billing-cancel-before = Cancel before

letter-billing-yearly-subject = A yearly reminder of your subscription
letter-billing-yearly = Once a year we remind you of the subscription that you have with us. It renews by itself until you cancel it.

letter-billing-price-change-subject = The price of your subscription changes
letter-billing-price-change = The price of your subscription changes. Until then you pay what you pay now.
letter-billing-price-now = Price now
letter-billing-price-new = New price
letter-billing-price-from = First charged
letter-billing-price-choice = If this is fine with you, there is nothing to do. If not, cancel before then.

letter-billing-card-expiring-subject = Your card expires soon
letter-billing-card-expiring = Your card ends before your next payment.
letter-billing-card-last4 = Card ending in
letter-billing-card-month = Valid through
letter-billing-card-new = To go on reading without a break, add your new card.

letter-billing-failed-subject = Your payment did not go through
letter-billing-failed = Your bank refused the payment for your subscription. You go on reading for now.
letter-billing-failed-hard = Your bank refused the payment for your subscription, and told us not to try this card again. You go on reading for now.
letter-billing-try-again = We try again
letter-billing-unless-paid = Unless paid, it ends
letter-billing-pay = If you use another card, it is charged at once.

letter-billing-still-failing-subject = Your payment still has not gone through
letter-billing-still-failing = The payment for your subscription still has not gone through. You go on reading for now, but not for long.

letter-billing-confirm-subject = Your bank asks you to confirm a payment
letter-billing-confirm = Your bank asks you to confirm the payment for your subscription. Until you do, it is not made.
letter-billing-confirm-before = Confirm before
letter-billing-confirm-do = Confirm the payment
letter-billing-confirm-or-not = If you do not want it any more, do nothing: no money moves without you.

letter-billing-recovered-subject = Thank you, your payment went through
letter-billing-recovered = Your payment went through, and your subscription goes on as before. This is your receipt.

letter-billing-refunded-subject = We gave you money back
letter-billing-refunded = We sent you money back, the way it came.
letter-billing-of-invoice = Of invoice
letter-billing-refund-days = Your bank may need a few days to show it. There is nothing to do.

letter-billing-settled-subject = Your money is on your account
letter-billing-settled = We could not send your money back to the card that paid, because its bank refused. It is on your account with us instead.
letter-billing-settled-use = It pays your next invoice by itself. If you would rather have it in another way, answer this mail.

letter-billing-paid-out-subject = Your money was paid back
letter-billing-paid-out = We could not send your money back to the card that paid, because its bank refused. We have paid it to you in another way instead.
letter-billing-paid-out-ask = If it has not reached you in a few days, answer this mail.

letter-billing-ended-subject = Your subscription has ended
letter-billing-ended = Your subscription has ended, because its payment did not go through. You owe us nothing.

letter-billing-trial-over-subject = Your free trial has ended
letter-billing-trial-over = Your free trial is over. You had added no card, so nothing was charged.

letter-billing-canceled-subject = You canceled your subscription
letter-billing-canceled = Your subscription is canceled. Nothing more will be charged.
letter-billing-canceled-trial-subject = You canceled your free trial
letter-billing-canceled-trial = Your free trial is canceled. You pay nothing.
letter-billing-canceled-at = Canceled
letter-billing-read-until = You go on reading until
letter-billing-keep = Please keep this mail: it confirms the date and the time.
letter-billing-change-mind = If you change your mind before that, open your account and choose "Resume".

letter-billing-canceled-now-subject = Your subscription was canceled
letter-billing-canceled-now = Your subscription is canceled and has ended. Nothing more will be charged.

letter-billing-withdrawn-subject = You withdrew from your subscription
letter-billing-withdrawn = We have your withdrawal. Your subscription has ended, and nothing more will be charged.
letter-billing-withdrawn-at = Withdrawal received

letter-billing-resumed-subject = Your subscription goes on
letter-billing-resumed = Your cancellation was taken back: all is as it was before.

letter-billing-paused-subject = Your subscription is paused
letter-billing-paused = Your subscription is paused. Nothing is charged until it goes on.
letter-billing-paused-credit = Put to your balance for unused time
letter-billing-paused-go-on = To go on, or if you did not ask for this, answer this mail.
letter-billing-paused-cancel = To cancel, open your account and choose "Cancel".

letter-billing-unpaused-subject = Your subscription is no longer paused
letter-billing-unpaused = The pause is over, and you can read again.
letter-billing-from-balance = from your balance

letter-billing-switched-subject = You switched to another plan
letter-billing-switched = You have another plan now.
letter-billing-plan-before = Plan before
letter-billing-given-back = Given back for unused time

letter-billing-switch-later-subject = Your plan will change
letter-billing-switch-later = You asked for another plan. It begins when what you have paid is over; until then all stays as it is.
letter-billing-plan-new = New plan
letter-billing-switch-keep = To keep your plan, open your account and take the change back before that.

letter-billing-days-subject = More days for you
letter-billing-days = We have given you more days, free of charge.
letter-billing-days-given = Days given

letter-billing-gift-subject = A subscription for you
letter-billing-gift = You read as our guest, free of charge.
letter-billing-gift-until = Until
letter-billing-gift-valid = Until
letter-billing-gift-open = further notice
letter-billing-gift-nothing = There is nothing to pay, nothing to do and nothing to cancel: it ends by itself.
