# Invoices and receipts to be printed.

invoice-title = Facture { $number }
invoice-title-receipt = Reçu de la facture { $number }
invoice-for = Pour
invoice-date = Date
invoice-period = Période
invoice-period-value = du { $start } au { $end }
invoice-paid = Payé
invoice-voided = Annulée
invoice-voided-value = le { $date } ; rien n’est à payer
invoice-net = Hors taxe
invoice-tax = Taxe
invoice-total = Total
invoice-from-balance = Payé sur votre solde
invoice-to-balance = Ajouté à votre solde
invoice-due = À payer
invoice-rate = taxe de { $rate } %
invoice-lines = Objet
invoice-description = Désignation
invoice-given-back = Ce qui a été remboursé
invoice-number = Numéro
invoice-day = Jour
invoice-tax-in-it = Dont taxe
invoice-times = Toutes les heures sont en UTC.
invoice-unused-time = Temps non utilisé de la formule précédente
invoice-reason-withdrawn = Rétractation
invoice-reason-paused = Suspension
