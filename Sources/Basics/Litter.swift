/// Whether a file of this name is what systems leave in folders and nobody put there: `._scan.png` and its like of macOS, and
/// Windows' `Thumbs.db` and `desktop.ini`.
package func isLitter(_ fileName: String) -> Bool {
    fileName.hasPrefix(".") || ["thumbs.db", "desktop.ini"].contains(fileName.lowercased())
}
