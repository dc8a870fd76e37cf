"""How people touch it: words and keys come in, commands are called, words and bars go out. Nothing below knows."""
