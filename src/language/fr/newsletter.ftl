# Lettres d’information : inscription sans compte, préférences, désinscription.

newsletter-title = Lettres d’information
newsletter-description = Nos lettres d’information, quotidiennes et hebdomadaires : une adresse suffit pour s’inscrire, un clic pour se désinscrire.
newsletter-lead = Choisissez ce que nous vous envoyons. Vous n’avez pas besoin de compte, et chaque lettre contient un lien de désinscription.
newsletter-none = Il n’y a pas de lettre d’information pour le moment.
newsletter-daily = Chaque jour
newsletter-weekly = Chaque semaine
newsletter-for-subscribers = Réservée aux abonnés : envoyée tant que votre abonnement est en cours.
newsletter-email = Adresse e-mail
newsletter-email-invalid = Nous ne pouvons pas écrire à cette adresse. Elle doit ressembler à nom@example.org.
newsletter-consent = Je souhaite recevoir les lettres que j’ai choisies. Je peux me désinscrire de chacune à tout moment, par le lien qui figure dans chaque envoi.
newsletter-sign-up = M’inscrire
newsletter-choose-one = Choisissez au moins une lettre.
newsletter-unknown = L’une de ces lettres n’existe plus. Choisissez à nouveau.

newsletter-sent-title = Consultez votre messagerie
newsletter-sent-lead = Nous vous avons envoyé un message. Le lien qu’il contient lance l’envoi de vos lettres ; d’ici là, vous ne recevrez rien. S’il n’arrive pas dans quelques minutes, regardez parmi les indésirables ou recommencez.

newsletter-confirm-title = Plus qu’un clic
newsletter-confirm-lead = Nous vous enverrons ensuite : { $newsletters }.
newsletter-confirm = Oui, je m’inscris
newsletter-confirmed-title = C’est fait, bonne lecture !
newsletter-confirmed-lead = Nous vous envoyons désormais : { $newsletters }.
newsletter-before-title = Vous aviez déjà répondu
newsletter-before-lead = Ce lien ne sert qu’une fois, et il a servi. Rien n’a été modifié.
newsletter-link-over-title = Ce lien ne fonctionne pas
newsletter-link-over-lead = Il est trop ancien ou incomplet. Ouvrez le lien entier depuis le message, ou inscrivez-vous à nouveau.
newsletter-to-sign-up = Voir toutes les lettres
newsletter-to-preferences = Modifier ce que nous vous envoyons

newsletter-preferences-title = Vos lettres d’information
newsletter-preferences-lead = Voici ce que nous envoyons à { $address }. Décochez ce que vous ne souhaitez plus recevoir.
newsletter-save = Enregistrer
newsletter-leave-all = Me désinscrire de tout
newsletter-saved = C’est enregistré.
newsletter-asked = Vous ne recevrez plus les lettres que vous avez quittées. Pour les nouvelles, ouvrez le lien du message que nous venons de vous envoyer.

newsletter-leave-title = Ne plus recevoir « { $newsletter } » ?
newsletter-leave-lead = Un clic, et nous cessons de vous l’envoyer.
newsletter-leave = Me désinscrire de cette lettre
newsletter-left-title = Vous ne recevrez plus « { $newsletter } »
newsletter-left-lead = Nous avons cessé de vous l’envoyer. Une autre lettre vous plairait peut-être davantage ?
newsletter-gone = cette lettre
newsletter-to-account = Votre compte
newsletter-account-title = Lettres d’information
newsletter-account-receives = Vous recevez { $newsletters }.
newsletter-account-none = Vous n’en recevez aucune.
newsletter-account-change = Choisir mes lettres d’information
