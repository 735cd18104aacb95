/// A word to the person, on standard error, where it does not get into a script's way.
func complain(_ text: String) {
    StandardStream.error.write(text + "\n")
}
