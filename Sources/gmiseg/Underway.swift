import Basics
import Foundation
import Glibc
import Posix

/// Programs that this one has started, and files that it has made for the time being: both are gone when it is told to end (Ctrl-C, SIGTERM).
///
/// Foundation gives each child a process group of its own, so a terminal's Ctrl-C reaches this process alone, and the child would go on.
enum Underway {
    private struct State {
        /// Each with the signal that ends it.
        var children: [pid_t: Int32] = [:]
        /// Children that are being started, and have no number yet.
        var starting = 0
        var files: Set<String> = []
        var isWatched = false
        var isEnding = false
    }

    private static let state = Lock(State())
    /// How long a child may take to end by itself, in seconds.
    private static let patience = 10.0

    /// From now on whoever ends this process ends all that is under way. Is called before anything is.
    static func watch() {
        let isFirst = state.withLock { state in
            defer { state.isWatched = true }
            return !state.isWatched
        }
        if isFirst { Signals.onTermination { @Sendable in end() } }
    }

    /// Starts a child. It inherits that signals are ignored: one that does not set that right itself is ended by SIGKILL.
    static func start(_ process: Process, endedBy signal: Int32 = SIGTERM) throws {
        watch()
        state.withLock { $0.starting += 1 }
        defer { state.withLock { $0.starting -= 1 } }
        try process.run()
        let child = process.processIdentifier
        state.withLock { $0.children[child] = signal }
    }

    static func add(file: URL) {
        watch()
        state.withLock { _ = $0.files.insert(file.path) }
    }

    /// Of a child that has ended. Does not return where this process is about to end: that the child has is no failure then.
    static func remove(child: pid_t) {
        let isEnding = state.withLock { state in
            state.children[child] = nil
            return state.isEnding
        }
        while isEnding { sleep(1) }
    }

    static func remove(file: URL) { state.withLock { _ = $0.files.remove(file.path) } }

    private static func end() {
        state.withLock { $0.isEnding = true }
        while state.withLock({ $0.starting > 0 }) { usleep(1_000) }
        let (signals, files) = state.withLock { ($0.children, $0.files) }
        let children = signals.keys
        for (child, signal) in signals { kill(child, signal) }
        let start = ContinuousClock.now
        while children.contains(where: { kill($0, 0) == 0 }) {
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            if seconds > patience { for child in children { kill(child, SIGKILL) } }
            if seconds > patience + 2 { break }
            usleep(20_000)
        }
        for file in files { try? FileManager.default.removeItem(atPath: file) }
        // 128 + SIGINT, as shells have it.
        exit(130)
    }
}
