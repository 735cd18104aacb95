import API
import Foundation

/// A progress bar that redraws its one line on a terminal, and is quiet where nobody watches.
struct ProgressBar {
    private let label: String
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var lastLine = ""

    init(label: String) { self.label = label }

    /// - Parameters:
    ///   - fraction: 0…1; anything beyond counts as the nearer end.
    ///   - note: What goes on, after the bar.
    mutating func update(fraction: Double, note: String = "") {
        let done = fraction.isFinite ? min(max(fraction, 0), 1) : 0
        let width = 30
        let filled = Int((done * Double(width)).rounded(.down))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        let percent = Int((done * 100).rounded(.down))
        let line = "\(label)\(label.isEmpty ? "" : " ")\(bar) \(percent) %\(note.isEmpty ? "" : "  \(note)")"
        guard isTerminal, line != lastLine else { return }
        lastLine = line
        // Return to the line's start, draw, clear the rest of the old one (ECMA-48 EL).
        StandardStream.error.write("\r\(line)\u{1B}[K")
    }

    /// Leaves the bar as it is and ends its line.
    mutating func finish() {
        guard isTerminal, !lastLine.isEmpty else { return }
        lastLine = ""
        StandardStream.error.write("\n")
    }
}
