"""What has a generator learned? Functions of a trained generator: arrays come in, arrays and bytes go out."""
