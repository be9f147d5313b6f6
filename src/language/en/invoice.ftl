# Invoices and receipts to be printed.

invoice-title = Invoice { $number }
invoice-title-receipt = Receipt for invoice { $number }
invoice-for = For
invoice-date = Date
invoice-period = Period
invoice-period-value = { $start } to { $end }
invoice-paid = Paid
invoice-voided = Voided
invoice-voided-value = { $date }; nothing is to be paid
invoice-net = Net
invoice-tax = Tax
invoice-total = Total
invoice-from-balance = Paid from your balance
invoice-to-balance = Added to your balance
invoice-due = To be paid
invoice-rate = { $rate } % tax
invoice-lines = What it is for
invoice-description = Description
invoice-given-back = What was given back
invoice-number = Number
invoice-day = Day
invoice-tax-in-it = Tax in it
invoice-times = All times are UTC.
invoice-unused-time = Unused time of the plan before
invoice-reason-withdrawn = Withdrawal
invoice-reason-paused = Paused
