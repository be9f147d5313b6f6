# The offer, the order and the confirmation.

subscribe-title = Subscribe
subscribe-title-article = Go on reading
subscribe-lead = Everything we publish, on every device.
subscribe-description = Subscribe to { $publisher }: what it holds, what it costs, and how to leave again.
subscribe-unlimited = Unlimited articles
subscribe-holds = { $what ->
    [ad_free] Reading without ads
    [magazine] The weekly digital magazine
    [newsletters] All newsletters
    [archive] The archives
   *[other] { $what }
}
subscribe-holds-title = A subscription holds
subscribe-plans = Choose a plan
subscribe-other-currencies = Pay in another currency:
subscribe-best-value = Best value
subscribe-savings = You save { $amount } a year
subscribe-rate = { $interval ->
    [month] { $price } a month
   *[year] { $price } a year
}
subscribe-trial-then = { $days ->
    [one] { $days } day free, then { $rate }
   *[other] { $days } days free, then { $rate }
}
subscribe-email = Email address
subscribe-email-hint = For your receipts, and to log in on other devices.
subscribe-as = You subscribe as { $email }.
subscribe-log-in-first = You read in this browser without having logged in. Before you subscribe, log in.
subscribe-card = Card
subscribe-card-hint = This is a sandbox: the cards are simulated, and nobody pays anything.
subscribe-card-ok = A card that pays
subscribe-card-declined = A card that is declined
subscribe-card-lost = A card that was reported lost
subscribe-card-declined-once = A card that is declined once, then pays
subscribe-card-authentication = A card whose bank asks you first
subscribe-agreement = What you agree to
subscribe-agree-trial = { $days ->
    [one] Free for { $days } day, until { $date }.
   *[other] Free for { $days } days, until { $date }.
}
subscribe-agree-then = Then { $rate }. The first charge is on { $date }; it goes on until you cancel.
subscribe-agree-ends = No card is needed. After the trial it ends by itself, and nothing is charged. If you add a card before, it goes on: { $rate }, first on { $date }, until you cancel.
subscribe-agree-waits = No card is needed. After the trial it waits, and nothing is charged, until you add a card. If you add one before, it goes on: { $rate }, first on { $date }, until you cancel.
subscribe-agree-pay = { $price } today.
subscribe-agree-renews = It renews by itself: { $rate }, next on { $date }, until you cancel.
subscribe-agree-way-out = You can cancel anytime: in your account, by a link in our mails, or at { $address } without logging in. You go on reading until the end of what you have paid.
subscribe-agree = I agree, and want to begin now
subscribe-start-trial = { $days ->
    [one] Start { $days } day free
   *[other] Start { $days } days free
}
subscribe-pay = Subscribe and pay { $price }
subscribe-log-in = I have an account: log in

subscribe-error-email = Type the address where we can reach you.
subscribe-error-card = Choose a card.
subscribe-error-card-unknown = We do not know this card. Choose another one.
subscribe-error-agree = Please agree before you begin.
subscribe-error-declined = Your card was declined, and nothing was charged. Try another one.
subscribe-error-bank = Your bank did not confirm the payment, so nothing was ordered and nothing was charged. Try again, or choose another card.
subscribe-error-too-many = Too many cards were declined. Wait a few minutes, then try again.
subscribe-error-network = Too many orders came from your network. Wait a few minutes, then try again.
subscribe-error-unavailable = Payments cannot be made at this moment. Nothing was charged; try again in a few minutes.
subscribe-error-moved = What you would agree to has changed since you opened the page. Please read it once more.
subscribe-error-trial-used = You have had the free trial already. You can subscribe right away, without one.

subscribe-closed-title = Not for sale at this moment
subscribe-closed-lead = There is nothing to subscribe to right now. Please come back later.
subscribe-already-title = You subscribe already
subscribe-already-lead = There is nothing to do: every article is open to you.
subscribe-mail-title = Look into your mail
subscribe-mail-lead = This address has an account. We have sent you a mail: its link logs you in and leads on from here. Nothing was ordered yet, and nothing was charged.

subscribe-welcome-title = Welcome
subscribe-welcome-trial = Your free trial runs until { $date }. You pay nothing before that.
subscribe-welcome-paid = Your subscription runs. You have paid until { $date }.
subscribe-welcome-pending = Your payment is being made. This takes a moment: open this page again.
subscribe-welcome-wait = One step is left
subscribe-welcome-confirm = Your bank asks you to confirm the payment. Until then nothing is charged, and you cannot read on yet.
subscribe-welcome-confirm-action = Confirm the payment
subscribe-welcome-ended = This subscription has ended.
subscribe-welcome-look-again = Look again
subscribe-welcome-back = Go on reading
subscribe-welcome-mail-later = After that: answer our mail
subscribe-welcome-mail-title = One thing is left: answer our mail
subscribe-welcome-mail = We have written to { $email }. The link in it opens your account, for your other devices, your receipts and everything else.
subscribe-welcome-reads = Reading works here already.
subscribe-welcome-reads-later = It can wait until your payment is confirmed.
subscribe-welcome-again = Send the mail again
subscribe-welcome-sent = We have sent it again.
subscribe-welcome-wrong = Wrong address? Correct it
subscribe-welcome-correct = Save the address
subscribe-welcome-cancel = Cancel the subscription
