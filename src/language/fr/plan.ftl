# What a subscriber sees and can do.

plan-title = Votre abonnement
plan-none = Vous n’avez pas d’abonnement.
plan-do-subscribe = Voir nos formules
plan-status = { $status ->
    [incomplete] en attente
    [trialing] essai gratuit
    [active] en cours
    [canceling] résilié, encore ouvert
    [past_due] paiement refusé
    [paused] suspendu
    [canceled] terminé
   *[expired] terminé
}
plan-lead-incomplete = Votre paiement n’est pas encore confirmé.
plan-lead-trial = Votre essai gratuit court jusqu’au { $date }.
plan-lead-trial-canceled = Il est résilié. Vous lisez gratuitement jusqu’au { $date } et rien ne sera prélevé.
plan-lead-active = Vous avez payé jusqu’au { $date }. L’abonnement se poursuit ensuite de lui-même.
plan-lead-canceled = Il est résilié. Vous continuez à lire jusqu’au { $date } et rien d’autre ne sera prélevé.
plan-lead-switch = Vous avez payé jusqu’au { $date }. Votre formule sera ensuite { $plan }.
plan-lead-past-due = Nous n’avons pas pu débiter votre carte. Vous continuez à lire jusqu’au { $date }.
plan-lead-paused = Il est suspendu : rien n’est prélevé et le nombre d’articles est de nouveau limité.
plan-lead-ended = Il s’est terminé le { $date }.
plan-lead-ended-unpaid = Il s’est terminé le { $date }, faute de paiement.
plan-lead-ended-withdrawn = Vous vous êtes rétracté le { $date }. La somme payée vous est rendue par le même moyen.
plan-alert-confirm = Votre banque vous demande de confirmer un paiement.
plan-alert-past-due = Veuillez payer avec une autre carte, ou faire en sorte que celle-ci fonctionne.
plan-retry-none = Nous ne réessaierons pas cette carte.
plan-retry = Nous réessaierons cette carte le { $date }.
plan-alert-waits = Aucune carte n’est enregistrée : rien ne sera prélevé et, après l’essai, l’abonnement attendra. Ajoutez une carte pour continuer.
plan-alert-add-card = Votre essai est terminé. Ajoutez une carte pour continuer à lire.
plan-alert-other-card = Votre essai est terminé et votre carte n’a pas pu être débitée. Changez de carte pour continuer à lire.
plan-alert-no-card = Aucune carte n’est enregistrée : rien ne sera prélevé et l’essai prendra fin. Ajoutez une carte pour continuer.
plan-price = Prix
plan-next-charge = Prochain prélèvement
plan-next-charge-value = { $amount } le { $date }
plan-next-charge-none = aucun
plan-trial-end = Fin de l’essai gratuit
plan-card = Carte
plan-card-value = •••• { $last4 }, valable jusqu’au { $expires }
plan-card-none = aucune
plan-do-switch = Changer de formule
plan-do-card = Changer de carte
plan-do-resume = Annuler la résiliation
plan-do-go-on = Reprendre et payer { $price }
plan-do-keep = Garder la formule actuelle
plan-do-cancel = Résilier
plan-complimentary = La lecture vous est offerte jusqu’au { $date }.

plan-invoices = Factures
plan-invoice-day = Date
plan-invoice-number = Numéro
plan-invoice-total = Total
plan-invoice-print = À imprimer
plan-invoice = Facture
plan-receipt = Reçu
plan-invoice-status = { $status ->
    [paid] payée
    [void] annulée
   *[open] à payer
}

plan-cancel-title = Résilier l’abonnement
plan-cancel-what = { $plan } : vous continuez à lire jusqu’au { $date }. Rien d’autre ne sera prélevé.
plan-cancel-button = Résilier maintenant
plan-cancel-instead = Ou passez à la formule { $plan } et économisez { $amount } par an
plan-cancel-stay = Retour au compte
plan-cancel-nothing-title = Rien à résilier
plan-cancel-nothing = Vous n’avez aucun abonnement en cours : rien ne sera prélevé.
plan-withdraw-title = Tout de suite, avec remboursement
plan-withdraw-what = Jusqu’au { $date }, vous pouvez vous rétracter sans donner de raison. La lecture s’arrête aussitôt et nous vous rendons ce que vous avez payé.
plan-withdraw-button = Me rétracter maintenant
plan-canceled-title = L’abonnement est résilié
plan-canceled-lead = Vous continuez à lire jusqu’au { $date }. Rien d’autre ne sera prélevé. Nous vous l’avons confirmé par e-mail.
plan-canceled-lead-now = Il a pris fin et rien d’autre ne sera prélevé. Nous vous l’avons confirmé par e-mail.
plan-reason-title = Souhaitez-vous nous dire pourquoi ?
plan-reason = Raison
plan-reason-button = Envoyer
plan-thanks-title = Merci
plan-thanks = Nous lisons chaque réponse.

plan-switch-title = Changer de formule
plan-switch-lead = Votre formule est { $plan }. Voici ce qui changerait, au centime et à la seconde près.
plan-switch-from = Début
plan-switch-credit = Rendu sur ce que vous avez payé
plan-switch-charge = À payer maintenant
plan-switch-until = Prélèvement suivant
plan-switch-button = Passer à la formule { $plan }
plan-switch-pay = Passer à la formule { $plan } et payer { $amount }
plan-switch-stay = Ne rien changer
plan-switch-stale = Quelque chose a changé depuis l’ouverture de cette page. Voici les montants actuels.

plan-card-title = Changer de carte
plan-card-add = Ajouter une carte
plan-card-lead = Vous payez avec la carte { $card }.
plan-card-did-not-pay = Votre carte n’a pas pu être débitée : { $card }.
plan-card-none-yet = Aucune carte n’est encore enregistrée.
plan-card-what = Nous débiterons désormais cette carte.
plan-card-overdue = Nous débitons aussitôt la somme due, puis cette carte à l’avenir.
plan-card-button = Enregistrer la carte
plan-card-pay = Enregistrer la carte et payer
plan-card-declined = Cette carte a été refusée. Essayez-en une autre.
plan-card-changed = Nous débiterons désormais cette carte.

plan-resume-title = Annuler la résiliation
plan-resume-renews = Si vous annulez la résiliation, l’abonnement se renouvelle de nouveau : { $rate }, la prochaine fois le { $date }, jusqu’à ce que vous le résiliiez.
plan-resumed = Votre abonnement se poursuit.
plan-done-title = C’est fait
plan-nothing-to-do-title = Rien à faire
plan-nothing-to-do = C’est déjà fait, ou l’abonnement est terminé. Votre compte indique où il en est.
plan-link-over-title = Ce lien n’est plus valable
plan-link-over = Il est trop ancien ou incomplet. Votre compte permet la même chose, tout comme la page de résiliation sans connexion.
plan-problem-title = Impossible pour le moment
plan-problem-gone = Votre compte ne contient pas cet abonnement.
plan-problem-state = L’abonnement a changé entre-temps. Votre compte indique où il en est.
plan-problem-pending = Un paiement est en cours. Réessayez dans un instant.
plan-problem-declined = Votre carte a été refusée. Rien n’a changé.
plan-problem-unavailable = Les paiements sont momentanément impossibles. Rien n’a changé ; réessayez dans quelques minutes.

plan-notice-title = Résilier un contrat
plan-notice-description = Résiliez votre abonnement ici, sans vous connecter.
plan-notice-lead = Inutile de vous connecter. Votre abonnement prend fin avec la période payée, et un e-mail vous indique aussitôt quand.
plan-notice-reason-hint = Si vous le souhaitez. Nécessaire seulement en cas de résiliation pour motif particulier.
plan-notice-button = Résilier maintenant
plan-notice-received-title = Nous avons bien reçu votre résiliation
plan-notice-received = Elle nous est parvenue le { $date }. Nous avons écrit à { $email } : l’e-mail indique quel abonnement prend fin, et quand. Conservez-le, ou imprimez cette page.
