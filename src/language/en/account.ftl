# The account.

account-title = Your account
account-since = a reader since { $day }
account-settings = Settings
account-devices = Devices that are logged in
account-this-device = this one
account-unnamed-device = a device without a name
account-device-times = since { $since }, last used { $used }
account-end-device = Log out { $device }, used { $used }
account-end-devices = Log out every device
account-data = Your data
account-export = Download everything that we hold about you
account-erase = Erase your account

account-give-password = Give your password for this.
account-current-password = Current password

account-password-change = Change the password
account-password-set = Set a password
account-password-is-set = set
account-password-none = none yet
account-password-text = Every other device is logged out by it.
account-password-button = Save the password

account-address-change = Change the address
account-address-text = We write to both addresses; it changes when both have agreed.
account-address-new = New email address
account-address-button = Ask both addresses
account-address-agree-lead = Agree, and mail goes to the new address as soon as both have agreed.
account-address-agree-button = I agree
account-address-changed-title = The address was changed
account-address-changed-lead = From now on we write to the new one.
account-address-object-title = Leave my address as it is
account-address-object-lead = Our staff were asked to change it. Say no, and nothing changes.
account-address-object-button = Leave it as it is
account-address-objected-title = Nothing changes
account-address-objected-lead = We go on writing to this address. If it was not you who asked, change your password, too.
account-address-waits-title = Thank you
account-address-waits-lead = The other address must agree too; then it is changed.

account-language-change = Change the language
account-language-text = Of these pages, and of the mails that we send you.
account-language-field = Language
account-language-button = Save the language

account-erase-lead = Your address, your password and everything else that we hold about you is erased, and every device is logged out. It cannot be undone.
account-erase-button = Erase my account
account-erase-keep = Keep my account
account-erase-export = Download my data first
account-device = { $browser } on { $system }
