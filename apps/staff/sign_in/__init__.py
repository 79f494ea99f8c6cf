"""How staff prove who they are: password, second factor, and both again before what matters."""
