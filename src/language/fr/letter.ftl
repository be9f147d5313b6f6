# What every mail needs around what it says.

letter-fact = { $name } : { $value }
letter-label = { $label } :
letter-button = Si le bouton ne répond pas, ouvrez cette adresse :
letter-unsubscribe = Se désabonner
letter-why-account = Vous recevez ce message parce que vous avez un compte auprès de { $publisher }.
letter-why-asked = Vous recevez ce message parce que votre adresse a été indiquée à { $publisher }.
letter-why-subscription = Vous recevez ce message au sujet de votre abonnement auprès de { $publisher }.
letter-why-erased = Vous recevez ce message parce que vous aviez un compte auprès de { $publisher }.
