# What every mail needs around what it says.

letter-fact = { $name }: { $value }
letter-label = { $label }:
letter-button = If the button does nothing, open this address:
letter-unsubscribe = Unsubscribe
letter-why-account = You get this mail because you have an account with { $publisher }.
letter-why-asked = You get this mail because somebody gave { $publisher } your address.
letter-why-subscription = You get this mail because you have, or had, a subscription with { $publisher }.
letter-why-erased = You get this mail because you had an account with { $publisher }.
