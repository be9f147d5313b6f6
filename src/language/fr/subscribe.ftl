# The offer, the order and the confirmation.

subscribe-title = Abonnement
subscribe-title-article = Poursuivez votre lecture
subscribe-lead = Tout ce que nous publions, sur tous vos appareils.
subscribe-description = Abonnez-vous à { $publisher } : ce que comprend l’abonnement, ce qu’il coûte et comment le résilier.
subscribe-unlimited = Articles en illimité
subscribe-holds = { $what ->
    [ad_free] La lecture sans publicité
    [magazine] Le magazine numérique hebdomadaire
    [newsletters] Toutes les lettres d’information
    [archive] Les archives
   *[other] { $what }
}
subscribe-holds-title = L’abonnement comprend
subscribe-plans = Choisissez une formule
subscribe-other-currencies = Payer dans une autre monnaie :
subscribe-best-value = La plus avantageuse
subscribe-savings = Vous économisez { $amount } par an
subscribe-rate = { $interval ->
    [month] { $price } par mois
   *[year] { $price } par an
}
subscribe-trial-then = { $days ->
    [one] { $days } jour gratuit, puis { $rate }
   *[other] { $days } jours gratuits, puis { $rate }
}
subscribe-email = Adresse e-mail
subscribe-email-hint = Pour vos reçus, et pour vous connecter sur vos autres appareils.
subscribe-as = Vous vous abonnez avec l’adresse { $email }.
subscribe-log-in-first = Vous lisez dans ce navigateur sans vous être connecté. Connectez-vous avant de vous abonner.
subscribe-card = Carte bancaire
subscribe-card-hint = Ceci est une démonstration : les cartes sont simulées et personne ne paie rien.
subscribe-card-ok = Une carte qui paie
subscribe-card-declined = Une carte refusée
subscribe-card-lost = Une carte déclarée perdue
subscribe-card-declined-once = Une carte refusée une fois, qui paie ensuite
subscribe-card-authentication = Une carte dont la banque vous demande confirmation
subscribe-agreement = Ce que vous acceptez
subscribe-agree-trial = { $days ->
    [one] Gratuit pendant { $days } jour, jusqu’au { $date }.
   *[other] Gratuit pendant { $days } jours, jusqu’au { $date }.
}
subscribe-agree-then = Ensuite, { $rate }. Le premier prélèvement a lieu le { $date } ; l’abonnement se poursuit jusqu’à ce que vous le résiliiez.
subscribe-agree-ends = Aucune carte n’est nécessaire. Après l’essai, l’abonnement prend fin de lui-même et rien n’est prélevé. Si vous ajoutez une carte avant, il se poursuit : { $rate }, la première fois le { $date }, jusqu’à ce que vous le résiliiez.
subscribe-agree-waits = Aucune carte n’est nécessaire. Après l’essai, l’abonnement attend, et rien n’est prélevé, jusqu’à ce que vous ajoutiez une carte. Si vous en ajoutez une avant, il se poursuit : { $rate }, la première fois le { $date }, jusqu’à ce que vous le résiliiez.
subscribe-agree-pay = { $price } aujourd’hui.
subscribe-agree-renews = L’abonnement se renouvelle de lui-même : { $rate }, la prochaine fois le { $date }, jusqu’à ce que vous le résiliiez.
subscribe-agree-way-out = Vous pouvez résilier à tout moment : dans votre compte, par un lien dans nos e-mails, ou à l’adresse { $address } sans vous connecter. Vous continuez à lire jusqu’à la fin de la période payée.
subscribe-agree = J’accepte et je souhaite commencer dès maintenant
subscribe-start-trial = { $days ->
    [one] Commencer { $days } jour gratuit
   *[other] Commencer { $days } jours gratuits
}
subscribe-pay = S’abonner et payer { $price }
subscribe-log-in = J’ai un compte : me connecter

subscribe-error-email = Indiquez l’adresse à laquelle nous pouvons vous joindre.
subscribe-error-card = Choisissez une carte.
subscribe-error-card-unknown = Nous ne connaissons pas cette carte. Choisissez-en une autre.
subscribe-error-agree = Veuillez accepter les conditions avant de commencer.
subscribe-error-declined = Votre carte a été refusée et rien n’a été prélevé. Essayez-en une autre.
subscribe-error-bank = Votre banque n’a pas confirmé le paiement : rien n’a été commandé ni prélevé. Réessayez ou choisissez une autre carte.
subscribe-error-too-many = Trop de cartes ont été refusées. Patientez quelques minutes, puis réessayez.
subscribe-error-network = Trop de commandes viennent de votre réseau. Attendez quelques minutes, puis réessayez.
subscribe-error-unavailable = Les paiements sont momentanément impossibles. Rien n’a été prélevé ; réessayez dans quelques minutes.
subscribe-error-moved = Ce que vous accepteriez a changé depuis l’ouverture de la page. Veuillez le relire.
subscribe-error-trial-used = Vous avez déjà bénéficié de l’essai gratuit. Vous pouvez vous abonner dès maintenant, sans essai.

subscribe-closed-title = Aucun abonnement pour le moment
subscribe-closed-lead = Il n’y a pas d’abonnement à souscrire actuellement. Revenez plus tard.
subscribe-already-title = Vous êtes déjà abonné
subscribe-already-lead = Il n’y a rien à faire : tous les articles vous sont ouverts.
subscribe-mail-title = Consultez votre messagerie
subscribe-mail-lead = Un compte existe déjà pour cette adresse. Nous vous avons envoyé un e-mail : son lien vous connecte et vous ramène ici. Rien n’a encore été commandé ni prélevé.

subscribe-welcome-title = Bienvenue
subscribe-welcome-trial = Votre essai gratuit court jusqu’au { $date }. Vous ne payez rien avant cette date.
subscribe-welcome-paid = Votre abonnement est en cours. Vous avez payé jusqu’au { $date }.
subscribe-welcome-pending = Votre paiement est en cours. Cela ne prend qu’un instant : rouvrez cette page.
subscribe-welcome-wait = Il reste une étape
subscribe-welcome-confirm = Votre banque vous demande de confirmer le paiement. D’ici là, rien n’est prélevé et vous ne pouvez pas encore lire la suite.
subscribe-welcome-confirm-action = Confirmer le paiement
subscribe-welcome-ended = Cet abonnement est terminé.
subscribe-welcome-look-again = Actualiser
subscribe-welcome-back = Reprendre la lecture
subscribe-welcome-mail-later = Ensuite : répondez à notre e-mail
subscribe-welcome-mail-title = Il ne reste qu’à répondre à notre e-mail
subscribe-welcome-mail = Nous avons écrit à { $email }. Le lien de cet e-mail ouvre votre compte, pour vos autres appareils, vos reçus et tout le reste.
subscribe-welcome-reads = Ici, vous pouvez déjà lire.
subscribe-welcome-reads-later = Cela peut attendre la confirmation du paiement.
subscribe-welcome-again = Renvoyer l’e-mail
subscribe-welcome-sent = Nous l’avons renvoyé.
subscribe-welcome-wrong = Mauvaise adresse ? Corrigez-la
subscribe-welcome-correct = Enregistrer l’adresse
subscribe-welcome-cancel = Résilier l’abonnement
