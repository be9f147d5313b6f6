# Le compte.

account-title = Votre compte
account-since = parmi nos lecteurs depuis le { $day }
account-settings = Réglages
account-devices = Appareils connectés
account-this-device = celui-ci
account-unnamed-device = un appareil sans nom
account-device-times = depuis le { $since }, utilisé pour la dernière fois le { $used }
account-end-device = Déconnecter { $device }, utilisé le { $used }
account-end-devices = Déconnecter tous les appareils
account-data = Vos données
account-export = Télécharger tout ce que nous conservons à votre sujet
account-erase = Supprimer votre compte

account-give-password = Indiquez votre mot de passe pour continuer.
account-current-password = Mot de passe actuel

account-password-change = Changer de mot de passe
account-password-set = Définir un mot de passe
account-password-is-set = défini
account-password-none = aucun pour l’instant
account-password-text = Tous vos autres appareils seront déconnectés.
account-password-button = Enregistrer le mot de passe

account-address-change = Changer d’adresse
account-address-text = Nous écrivons aux deux adresses ; le changement prend effet dès que les deux ont donné leur accord.
account-address-new = Nouvelle adresse e-mail
account-address-button = Consulter les deux adresses
account-address-agree-lead = Donnez votre accord : nos e-mails iront à la nouvelle adresse dès que les deux auront accepté.
account-address-agree-button = J’accepte
account-address-changed-title = L’adresse a été changée
account-address-changed-lead = Désormais, nous écrivons à la nouvelle.
account-address-object-title = Ne pas changer mon adresse
account-address-object-lead = On a demandé à notre équipe de la changer. Refusez, et rien ne change.
account-address-object-button = Ne rien changer
account-address-objected-title = Rien ne change
account-address-objected-lead = Nous continuons à écrire à cette adresse. Si la demande ne venait pas de vous, changez aussi de mot de passe.
account-address-waits-title = Merci
account-address-waits-lead = L’autre adresse doit encore donner son accord ; le changement prendra alors effet.

account-language-change = Changer de langue
account-language-text = Celle de ces pages et des e-mails que nous vous envoyons.
account-language-field = Langue
account-language-button = Enregistrer la langue

account-erase-lead = Votre adresse, votre mot de passe et tout ce que nous conservons à votre sujet seront supprimés, et tous vos appareils déconnectés. Cette suppression est définitive.
account-erase-button = Supprimer mon compte
account-erase-keep = Garder mon compte
account-erase-export = Télécharger d’abord mes données
account-device = { $browser } sur { $system }
