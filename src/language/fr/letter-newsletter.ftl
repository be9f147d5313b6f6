# Le message qui demande si des lettres d’information peuvent être envoyées.

letter-newsletter-subject = Confirmez votre inscription à nos lettres
letter-newsletter-asked = Quelqu’un, vous sans doute, nous a demandé d’envoyer à cette adresse : { $newsletters }. Un clic, et l’envoi commence.
letter-newsletter-confirm = Oui, je m’inscris
letter-newsletter-life =
    { $days ->
        [one] Ce lien est valable une journée.
       *[other] Ce lien est valable { $days } jours.
    }
letter-newsletter-not-you = Si ce n’était pas vous, ne faites rien : sans votre clic, rien ne sera envoyé et nous oublierons cette adresse.
