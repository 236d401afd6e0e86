"""The commands, a file each: arguments in, results out; printing is render's."""
