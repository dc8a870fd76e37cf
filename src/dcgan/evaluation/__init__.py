"""How good is it? Features of generated and of real images come in; measurements with their protocol go out."""
