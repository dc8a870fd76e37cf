"""How good is it? Pixels, generated and real, come in; measurements with their protocol go out."""
