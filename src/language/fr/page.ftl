# Les pages d’avant le compte : inscription, connexion, liens reçus par e-mail, refus.

page-title-error = Erreur :
page-log-in = Se connecter
page-log-out = Se déconnecter
page-navigation = Compte
page-problems = Un point reste à corriger :
page-optional = (facultatif)
page-new-link = Demander un nouveau lien

page-field-email = Adresse e-mail
page-field-password = Mot de passe
page-field-new-password = Nouveau mot de passe
page-field-password-hint = 8 caractères au minimum. Quelques mots sans rapport entre eux font très bien l’affaire.

page-sign-up-title = Créer un compte
page-sign-up-description = Créez votre compte avec une adresse e-mail et un mot de passe. Un seul e-mail de confirmation suffit.
page-sign-up-lead = Nous vous envoyons un e-mail ; votre compte sera ouvert dès que vous y aurez répondu.
page-sign-up-log-in = J’ai déjà un compte : me connecter

page-mail-sent-title = Consultez votre messagerie
page-mail-sent-lead = Nous venons de vous envoyer un e-mail. Suivez le lien qu’il contient pour continuer. S’il n’arrive pas d’ici quelques minutes, regardez parmi les courriers indésirables ou recommencez.

page-confirm-title = Plus qu’un clic
page-confirm-lead = Il ouvre votre compte et vous connecte.
page-confirm-button = Confirmer mon adresse
page-confirm-password-hint = Choisissez-en un si vous le souhaitez : 8 caractères au minimum. Sans mot de passe, vous vous connectez par un lien reçu par e-mail.

page-log-in-description = Connectez-vous à votre compte avec votre mot de passe ou grâce à un lien reçu par e-mail.
page-log-in-again = Votre dernière connexion remonte à un certain temps. Connectez-vous de nouveau et vous reprendrez où vous en étiez.
page-by-mail-heading = Sans mot de passe
page-by-mail-text = Nous vous envoyons par e-mail un lien qui vous connecte.
page-by-mail-button = Recevoir un lien
page-by-link-lead = Encore un clic, et la connexion est faite sur cet appareil.

page-reset-title = Choisir un nouveau mot de passe
page-reset-description = Mot de passe oublié ? Recevez par e-mail un lien pour en choisir un nouveau.
page-reset-lead = Nous vous envoyons par e-mail le lien nécessaire.
page-reset-button = Recevoir le lien
page-reset-set-lead = Tous vos appareils seront déconnectés.
page-reset-set-button = Enregistrer le mot de passe

page-refused-title = L’opération n’a pas abouti
page-refused-email = Saisissez une adresse complète, par exemple nom@exemple.fr, de 254 caractères au plus.
page-refused-lookalike = Nous n’acceptons pas ce domaine : il mêle plusieurs écritures ou ressemble à un autre.
page-refused-short = Le mot de passe doit compter au moins { $least } caractères.
page-refused-long = Le mot de passe doit compter au plus { $most } caractères.
page-refused-common = Ce mot de passe est trop courant : il circule sur d’autres sites, se devine facilement ou reprend votre adresse ou notre nom. Choisissez-en un plus long ou plus original.
page-refused-credentials = L’adresse et le mot de passe ne correspondent pas. Réessayez, ou recevez un lien de connexion par e-mail.
page-refused-link = Ce lien a déjà servi ou n’est plus valable. Demandez-en un nouveau.
page-refused-password = Ce mot de passe n’est pas le vôtre.
page-refused-old-login = Votre connexion remonte à un certain temps. Déconnectez-vous, reconnectez-vous, puis recommencez.
page-refused-often = Trop de tentatives. Patientez { $minutes ->
    [1] une minute
    [one] { $minutes } minute
   *[other] { $minutes } minutes
  }, puis réessayez.
page-refused-or-by-mail = Vous pouvez aussi recevoir un lien de connexion par e-mail.
page-refused-foreign = Ce formulaire provient d’un autre site ; rien n’a été fait.
page-refused-no-cookies = Votre navigateur ne conserve pas nos cookies ; sans eux, rien ne nous assure que le formulaire vient de vous. Rien n’a été fait. Autorisez les cookies pour ce site, rouvrez la page et renvoyez le formulaire.
page-refused-stale = Ce formulaire est resté ouvert trop longtemps, ou une connexion ou une déconnexion a eu lieu entre-temps, peut-être dans un autre onglet. Rien n’a été fait. Rouvrez la page et renvoyez le formulaire.
page-refused-unreadable = Ce formulaire est illisible. Rien n’a été fait.
page-refused-characters = Le champ « { $field } » contient un caractère invisible, une tabulation par exemple. Rien n’a été fait. Revenez en arrière, ressaisissez-le et renvoyez le formulaire.
page-refused-busy = Nous sommes très sollicités en ce moment. Rien n’a été fait ; réessayez dans quelques secondes.
page-refused-late = La réponse s’est fait trop attendre. Si vous avez envoyé un formulaire, vérifiez qu’il n’a pas été pris en compte avant de le renvoyer.
page-refused-gone = Ce compte n’existe plus.
page-refused-ours = Une erreur s’est produite de notre côté. Réessayez dans quelque temps.
page-refused-address = Cette adresse est incomplète. Rouvrez le lien reçu par e-mail.
page-refused-again = Réessayer
page-missing-title = Cette page n’existe pas
page-missing-lead = L’adresse a peut-être perdu une lettre en chemin, ou la page n’existe plus.
page-foot-cancel = Résilier un contrat
page-foot-newsletters = Lettres d’information
page-skip = Aller à la page

page-gift-title = Un cadeau pour vous
page-gift-lead = La lecture vous est offerte. En un clic, les jours commencent et un compte est ouvert avec l’adresse à laquelle ce message a été envoyé. Connectez-vous ensuite pour lire.
page-gift-days = Nombre de jours
page-gift-until = À accepter avant
page-gift-button = Accepter le cadeau
page-gift-accepted-title = Les jours ont commencé
page-gift-accepted = Ce cadeau appartient à l’adresse à laquelle il a été envoyé. Connectez-vous avec cette adresse pour lire.
page-gift-accepted-link = Ce cadeau appartient à l’adresse à laquelle il a été envoyé. Nous venons d’y envoyer un lien de connexion, valable 15 minutes.
page-gift-over = Ce cadeau a déjà été accepté ou n’est plus valable. Si vous l’avez accepté, connectez-vous avec l’adresse à laquelle il a été envoyé.
