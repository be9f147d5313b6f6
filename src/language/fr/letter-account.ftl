# Mails about accounts. The subjects hold no variables.

letter-account-confirm-subject = Confirmez votre adresse
letter-account-confirm = Quelqu’un, vous sans doute, a demandé l’ouverture d’un compte avec cette adresse et choisi un mot de passe.
letter-account-confirm-do = Confirmer et se connecter
letter-account-confirm-not-you = Si ce n’était pas vous, ignorez ce message : sans confirmation, aucun compte n’est créé.

letter-account-exists-subject = Vous avez déjà un compte
letter-account-exists = Quelqu’un, vous sans doute, a demandé l’ouverture d’un compte avec cette adresse. Il en existe déjà un ; voici comment y accéder.

letter-account-log-in-subject = Votre lien de connexion
letter-account-log-in = Voici le lien que vous avez demandé.
letter-account-log-in-do = Se connecter
letter-account-log-in-not-you = Si vous ne l’avez pas demandé, ignorez ce message.

letter-account-go-on-subject = Poursuivez votre abonnement
letter-account-go-on = Quelqu’un, vous sans doute, souhaite s’abonner avec cette adresse. Un compte y est déjà associé : connectez-vous par ce lien et reprenez là où vous en étiez.
letter-account-go-on-do = Se connecter et continuer
letter-account-go-on-not-you = Si ce n’était pas vous, ignorez ce message : rien n’a été commandé.

letter-account-trial-subject = L’essai gratuit a déjà été utilisé
letter-account-trial = Quelqu’un, vous sans doute, souhaite commencer un essai gratuit avec cette adresse. Elle en a déjà bénéficié. Vous pouvez vous abonner sans essai.
letter-account-trial-do = Voir l’offre

letter-account-open-subject = Ouvrez votre compte
letter-account-open = Un abonnement a été pris avec cette adresse. Un clic confirme qu’elle est bien la vôtre ; vous pourrez alors lire sur tous vos appareils, consulter vos reçus et résilier quand vous le souhaitez.
letter-account-open-do = Ouvrir mon compte
letter-account-open-not-you = Si ce n’était pas vous, ignorez ce message. Sans lui, personne ne peut se connecter.

letter-account-none-subject = Aucun compte à cette adresse
letter-account-none = Quelqu’un, vous sans doute, a tenté de se connecter avec cette adresse, mais aucun compte n’y est associé. Le vôtre a peut-être été ouvert avec une autre adresse ; sinon, vous pouvez en créer un.
letter-account-none-do = Créer un compte

letter-account-reset-subject = Choisissez un nouveau mot de passe
letter-account-reset = Voici le lien pour choisir un nouveau mot de passe.
letter-account-reset-do = Choisir un mot de passe

letter-account-password-subject = Votre mot de passe a été modifié
letter-account-password = Il a été modifié le { $at }. Tous vos appareils ont été déconnectés.
letter-account-password-not-you = Si ce n’était pas vous, choisissez sans attendre un nouveau mot de passe : demandez un lien sur la page de connexion.

letter-account-move-subject = Faut-il vous écrire à une autre adresse ?
letter-account-move = Une personne connectée à votre compte nous a demandé d’écrire désormais à { $address }. Nous le ferons dès que les deux adresses auront donné leur accord.
letter-account-move-not-you = Si ce n’était pas vous, ne donnez pas votre accord et changez de mot de passe.

letter-account-staff-move-subject = Votre adresse est sur le point de changer
letter-account-staff-move = Vous, ou quelqu’un en votre nom, avez demandé à notre équipe d’écrire désormais à { $address }. Nous le ferons dès que cette adresse aura répondu à notre message.
letter-account-object = Non, ne changez rien
letter-account-staff-move-not-you = Si la demande vient de vous, il n’y a rien à faire. Sinon, refusez maintenant et changez de mot de passe.

letter-account-new-address-subject = Faut-il vous écrire à cette adresse ?
letter-account-new-address = Quelqu’un, vous sans doute, nous a demandé d’utiliser cette adresse pour son compte.

letter-account-taken-subject = Cette adresse a déjà un compte
letter-account-taken = Quelqu’un, vous sans doute, nous a demandé d’utiliser cette adresse pour un autre compte. Elle est déjà associée à un compte, ce n’est donc pas possible.

letter-account-moved-subject = Votre adresse a été modifiée
letter-account-moved = Désormais, nous vous écrirons à votre autre adresse.
letter-account-moved-not-you = Si ce n’était pas vous, prévenez-nous sans attendre.

letter-account-reused-subject = Nous avons déconnecté un appareil
letter-account-reused = Le { $at }, quelqu’un a utilisé une copie de la clé qui gardait cet appareil connecté : { $device }. Nous l’avons donc déconnecté.
letter-account-reused-do = Reconnectez-vous. Si votre compte affiche des appareils que vous ne connaissez pas, changez de mot de passe.

letter-account-erased-subject = Votre compte a été supprimé
letter-account-erased = Il a été supprimé le { $at }, avec toutes les données que nous avions sur vous. Seul demeure, sans votre nom, ce que la loi nous impose de conserver sur les paiements.
letter-account-erased-last = C’est notre dernier message à ce sujet.

letter-account-agree = Donner mon accord
letter-account-once = Ce lien fonctionne une seule fois, pendant 15 minutes.
letter-account-day = Ce lien fonctionne une seule fois, pendant 24 heures.
letter-account-not-you = Si ce n’était pas vous, ignorez ce message.
letter-account-as-it-was = Si ce n’était pas vous, ignorez ce message : votre compte reste tel quel.

letter-account-notice-subject = Nous avons bien reçu votre résiliation
letter-account-notice = Votre résiliation nous est parvenue le { $at }. Aucun abonnement en cours n’est lié à cette adresse : il n’y a rien à résilier et rien ne sera prélevé.
letter-account-notice-elsewhere = Si vous êtes abonné avec une autre adresse, résiliez avec celle-ci. Ce qui a déjà été résilié le reste.

letter-account-guest-over-subject = Votre accès offert a pris fin
letter-account-guest-over = La lecture vous était offerte. Cet accès a pris fin le { $at }.
letter-account-guest-over-nothing = Si vous êtes abonné, votre abonnement se poursuit comme avant. Vous n’avez rien à payer ni rien à faire.

letter-account-gift-subject = Un cadeau pour vous
letter-account-gift = La lecture vous est offerte. Un clic suffit pour accepter : il ouvre un compte avec cette adresse, et les jours commencent.
letter-account-gift-product = Offre
letter-account-gift-days = Nombre de jours
letter-account-gift-until = À accepter avant
letter-account-gift-do = Accepter le cadeau
letter-account-gift-nothing = Rien à payer, rien à résilier : l’accès prend fin de lui-même. Si vous n’en voulez pas, ignorez ce message et nous oublierons votre adresse.
