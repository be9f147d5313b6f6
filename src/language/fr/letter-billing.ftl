# Mails about subscriptions. The subjects hold no variables. Whoever changes a text raises TEXTS in
# src/billing/letter/mod.rs.

letter-billing-plan = Formule
letter-billing-paid = Montant réglé
letter-billing-invoice = Facture
letter-billing-from = Du
letter-billing-until = Au
letter-billing-since = Depuis le
letter-billing-ended-at = Fin
letter-billing-amount = Montant
letter-billing-price = Prix
letter-billing-next-charge = Prochain prélèvement
letter-billing-first-charge = Premier prélèvement
letter-billing-money-back = Remboursement
letter-billing-a-month = { $amount } par mois
letter-billing-a-year = { $amount } par an
letter-billing-open-account = Ouvrir mon compte
letter-billing-cancel-do = Résilier en un clic
letter-billing-card-do = Utiliser une autre carte
letter-billing-resume-do = Annuler la résiliation

letter-billing-cancel = Pour résilier, ouvrez votre compte et choisissez « Résilier ». Vous continuez à lire jusqu’à la fin de la période payée, et rien d’autre ne sera prélevé.
letter-billing-cancel-trial = Pour résilier, ouvrez votre compte et choisissez « Résilier » avant la fin de l’essai. Vous ne payez alors rien et continuez à lire jusqu’à son terme.
letter-billing-again = Vous pouvez vous réabonner quand vous le souhaitez.
letter-billing-nothing-to-do = Pour continuer comme avant, vous n’avez rien à faire.

letter-billing-refund-none = aucun
letter-billing-refund-way = Le remboursement se fait par le même moyen de paiement, sous 14 jours au plus, le plus souvent en quelques jours.

letter-billing-withdraw-until = Rétractation possible jusqu’au
letter-billing-withdraw = Jusqu’à la date limite de rétractation, vous pouvez vous rétracter sans donner de motif : ouvrez votre compte, choisissez « Résilier », puis « Immédiatement ». Nous vous remboursons alors ce que vous avez payé, sous 14 jours.

letter-billing-trial-started-subject = Votre essai gratuit a commencé
letter-billing-trial-started = Bienvenue ! Votre essai gratuit est en cours.
letter-billing-paid-today = Réglé aujourd’hui
letter-billing-trial-ends = Fin de l’essai gratuit
letter-billing-price-after = Prix ensuite
letter-billing-no-card = Aucune carte n’est enregistrée, rien ne sera donc prélevé. Pour continuer à lire ensuite, ajoutez-en une.
letter-billing-no-card-do = Ajouter une carte

letter-billing-subscribed-subject = Votre abonnement a commencé : votre reçu
letter-billing-subscribed = Bienvenue, et merci ! Voici votre reçu.

letter-billing-renewed-subject = Votre abonnement a été renouvelé : votre reçu
letter-billing-renewed = Votre abonnement se poursuit ; voici votre reçu. Merci !
letter-billing-renewed-canceled = Il est résilié : rien d’autre ne sera prélevé.

letter-billing-first-paid-subject = Votre essai gratuit est terminé : votre premier reçu
letter-billing-first-paid = Votre essai gratuit est terminé ; voici le reçu de votre premier paiement. Merci !

letter-billing-trial-ending-subject = Votre essai gratuit se termine bientôt
letter-billing-trial-ending = Votre essai gratuit touche à sa fin.

letter-billing-renewal-subject = Votre abonnement sera bientôt renouvelé
letter-billing-renewal = Votre abonnement sera renouvelé automatiquement, sauf si vous le résiliez avant.
letter-billing-renewal-at = Renouvellement et prélèvement
letter-billing-cancel-before = À résilier avant le

letter-billing-yearly-subject = Votre abonnement : rappel annuel
letter-billing-yearly = Une fois par an, nous vous rappelons l’abonnement que vous avez chez nous. Il se renouvelle automatiquement jusqu’à ce que vous le résiliiez.

letter-billing-price-change-subject = Le prix de votre abonnement change
letter-billing-price-change = Le prix de votre abonnement va changer. D’ici là, vous payez le prix actuel.
letter-billing-price-now = Prix actuel
letter-billing-price-new = Nouveau prix
letter-billing-price-from = Premier prélèvement
letter-billing-price-choice = Si cela vous convient, vous n’avez rien à faire. Sinon, résiliez avant cette date.

letter-billing-card-expiring-subject = Votre carte arrive à expiration
letter-billing-card-expiring = Votre carte expire avant votre prochain paiement.
letter-billing-card-last4 = Carte se terminant par
letter-billing-card-month = Expire fin
letter-billing-card-new = Pour continuer à lire sans interruption, ajoutez votre nouvelle carte.

letter-billing-failed-subject = Votre paiement n’a pas abouti
letter-billing-failed = Votre banque a refusé le paiement de votre abonnement. Pour l’instant, vous continuez à lire.
letter-billing-failed-hard = Votre banque a refusé le paiement de votre abonnement et nous a demandé de ne plus utiliser cette carte. Pour l’instant, vous continuez à lire.
letter-billing-try-again = Nouvelle tentative
letter-billing-unless-paid = Sans paiement, fin le
letter-billing-pay = Si vous utilisez une autre carte, elle est débitée aussitôt.

letter-billing-still-failing-subject = Votre paiement n’a toujours pas abouti
letter-billing-still-failing = Le paiement de votre abonnement n’a toujours pas abouti. Vous continuez à lire pour l’instant, mais plus pour longtemps.

letter-billing-confirm-subject = Votre banque vous demande de confirmer un paiement
letter-billing-confirm = Votre banque vous demande de confirmer le paiement de votre abonnement. Sans votre confirmation, il ne sera pas effectué.
letter-billing-confirm-before = À confirmer avant le
letter-billing-confirm-do = Confirmer le paiement
letter-billing-confirm-or-not = Si vous n’en voulez plus, ne faites rien : rien ne sera débité sans vous.

letter-billing-recovered-subject = Merci, votre paiement a abouti
letter-billing-recovered = Votre paiement a abouti et votre abonnement se poursuit comme avant. Voici votre reçu.

letter-billing-refunded-subject = Un remboursement pour vous
letter-billing-refunded = Nous vous avons rendu de l’argent, par le même moyen de paiement.
letter-billing-of-invoice = Pour la facture
letter-billing-refund-days = Votre banque peut mettre quelques jours à l’afficher. Vous n’avez rien à faire.

letter-billing-settled-subject = Votre argent est sur votre compte
letter-billing-settled = Nous n’avons pas pu vous rendre l’argent sur la carte qui avait payé : sa banque a refusé. La somme est sur votre compte chez nous.
letter-billing-settled-use = Elle paiera d’elle-même votre prochaine facture. Si vous préférez un autre moyen, répondez à ce message.

letter-billing-paid-out-subject = Votre argent vous a été rendu
letter-billing-paid-out = Nous n’avons pas pu vous rendre l’argent sur la carte qui avait payé : sa banque a refusé. Nous vous l’avons versé par un autre moyen.
letter-billing-paid-out-ask = S’il ne vous est pas parvenu d’ici quelques jours, répondez à ce message.

letter-billing-ended-subject = Votre abonnement a pris fin
letter-billing-ended = Votre abonnement a pris fin, car son paiement n’a pas abouti. Vous ne nous devez rien.

letter-billing-trial-over-subject = Votre essai gratuit est terminé
letter-billing-trial-over = Votre essai gratuit est terminé. Vous n’aviez pas ajouté de carte : rien n’a été prélevé.

letter-billing-canceled-subject = Vous avez résilié votre abonnement
letter-billing-canceled = Votre abonnement est résilié. Rien d’autre ne sera prélevé.
letter-billing-canceled-trial-subject = Vous avez résilié votre essai gratuit
letter-billing-canceled-trial = Votre essai gratuit est résilié. Vous ne payez rien.
letter-billing-canceled-at = Résilié le
letter-billing-read-until = Vous continuez à lire jusqu’au
letter-billing-keep = Merci de conserver ce message : il fait foi de la date et de l’heure.
letter-billing-change-mind = Si vous changez d’avis d’ici là, ouvrez votre compte et choisissez « Reprendre ».

letter-billing-canceled-now-subject = Votre abonnement a été résilié
letter-billing-canceled-now = Votre abonnement est résilié et a pris fin. Rien d’autre ne sera prélevé.

letter-billing-withdrawn-subject = Vous avez exercé votre droit de rétractation
letter-billing-withdrawn = Nous avons bien reçu votre rétractation. Votre abonnement a pris fin, et rien d’autre ne sera prélevé.
letter-billing-withdrawn-at = Rétractation reçue le

letter-billing-resumed-subject = Votre abonnement se poursuit
letter-billing-resumed = Votre résiliation est annulée : tout reste comme avant.

letter-billing-paused-subject = Votre abonnement est suspendu
letter-billing-paused = Votre abonnement est suspendu. Rien n’est prélevé tant qu’il n’a pas repris.
letter-billing-paused-credit = Crédité pour la période non utilisée
letter-billing-paused-go-on = Pour le reprendre, ou si vous n’avez rien demandé, répondez à ce message.
letter-billing-paused-cancel = Pour résilier, ouvrez votre compte et choisissez « Résilier ».

letter-billing-unpaused-subject = Votre abonnement a repris
letter-billing-unpaused = La suspension est terminée : vous pouvez de nouveau lire.
letter-billing-from-balance = sur votre solde

letter-billing-switched-subject = Vous avez changé de formule
letter-billing-switched = Vous avez désormais une autre formule.
letter-billing-plan-before = Formule précédente
letter-billing-given-back = Restitué pour la période non utilisée

letter-billing-switch-later-subject = Votre formule va changer
letter-billing-switch-later = Vous avez demandé une autre formule. Elle commencera à la fin de la période déjà payée ; d’ici là, rien ne change.
letter-billing-plan-new = Nouvelle formule
letter-billing-switch-keep = Pour garder votre formule, ouvrez votre compte et annulez le changement avant cette date.

letter-billing-days-subject = Des jours offerts
letter-billing-days = Nous vous offrons des jours supplémentaires, sans frais.
letter-billing-days-given = Jours offerts

letter-billing-gift-subject = Un abonnement pour vous
letter-billing-gift = Nous vous invitons à lire gratuitement.
letter-billing-gift-until = Valable jusqu’au
letter-billing-gift-valid = Valable
letter-billing-gift-open = jusqu’à nouvel ordre
letter-billing-gift-nothing = Rien à payer, rien à faire, rien à résilier : il prend fin de lui-même.
